//! The page's files, built from `web/console/src` by `npm run build` and committed.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

/// Name, media type and content.
type Asset = (&'static str, &'static str, &'static str);

macro_rules! assets {
    ($($name:literal: $kind:expr),* $(,)?) => {
        &[$(($name, $kind, include_str!(concat!("../../web/console/dist/", $name)))),*]
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PAGE: &str = include_str!("../../web/console/dist/index.html");

const FILES: &[Asset] = assets! {
    "alerts.js": SCRIPT,
    "answers.js": SCRIPT,
    "console.css": STYLE,
    "dom.js": SCRIPT,
    "format.js": SCRIPT,
    "icon.svg": "image/svg+xml",
    "main.js": SCRIPT,
    "metrics.js": SCRIPT,
    "queue.js": SCRIPT,
    "snapshot.js": SCRIPT,
    "team.js": SCRIPT,
    "ticker.js": SCRIPT,
    "tiles.js": SCRIPT,
};

/// `GET /`
pub(super) async fn page() -> Response {
    answer("text/html; charset=utf-8", PAGE)
}

/// `GET /console/{file}`
pub(super) async fn file(Path(file): Path<String>) -> Response {
    match FILES.iter().find(|(name, ..)| *name == file) {
        Some((_, kind, content)) => answer(kind, content),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Small files on a near network: always the ones of the running version.
fn answer(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_built_file_is_served() {
        let built = concat!(env!("CARGO_MANIFEST_DIR"), "/web/console/dist");
        let built: BTreeSet<String> = std::fs::read_dir(built)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut served: BTreeSet<String> = FILES.iter().map(|(n, ..)| (*n).to_owned()).collect();
        served.insert("index.html".to_owned());
        assert_eq!(built, served);
    }
}
