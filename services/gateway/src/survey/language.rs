//! Which language a reader wants.

use http::{HeaderMap, header};

use super::words::{self, Words};

/// Languages beyond these are not looked at.
const MAX_TAGS: usize = 16;

/// The reader's preferred languages (RFC 9110, 12.5.4), best first.
fn preferred(headers: &HeaderMap) -> Vec<&str> {
    let mut tags: Vec<(&str, f32)> = headers
        .get_all(header::ACCEPT_LANGUAGE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .take(MAX_TAGS)
        .filter_map(weighted)
        .collect();
    // Stable: equal weights keep the reader's order.
    tags.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    tags.into_iter().map(|(tag, _)| tag).collect()
}

fn weighted(range: &str) -> Option<(&str, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| is_tag(tag))?;
    let weight = parts.find_map(|part| part.strip_prefix("q="));
    let weight: f32 = weight.map_or(Some(1.0), |weight| weight.parse().ok())?;
    (weight > 0.0).then_some((tag, weight))
}

/// Whether it has the shape of a BCP 47 tag; `*` has not.
pub(super) fn is_tag(text: &str) -> bool {
    (1..=35).contains(&text.len())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What to ask the survey service for: the first language that we ship, else the first at all
/// (the survey may have a question of its own in it), else the invitation's (empty).
pub(super) fn wanted(headers: &HeaderMap) -> String {
    let preferred = preferred(headers);
    let shipped = preferred.iter().find(|tag| words::shipped(tag).is_some());
    let tag = shipped.or(preferred.first());
    tag.map(|tag| (*tag).to_owned()).unwrap_or_default()
}

/// Our own words for a reader of whom nothing else is known.
pub(super) fn own(headers: &HeaderMap) -> &'static Words {
    words::of(&wanted(headers))
}

/// Whether a language is written from right to left.
pub(super) fn direction(tag: &str) -> &'static str {
    let base = tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
    match base.as_str() {
        "ar" | "arc" | "ckb" | "dv" | "fa" | "he" | "ps" | "sd" | "ug" | "ur" | "yi" => "rtl",
        _ => "ltr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn wanted_by(header: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("accept-language", HeaderValue::from_static(header));
        wanted(&headers)
    }

    #[test]
    fn a_shipped_language_goes_before_a_better_liked_one_that_is_not() {
        assert_eq!(wanted_by("fi, sv;q=0.8, en;q=0.5"), "sv");
        assert_eq!(wanted_by("de-AT;q=0.3, fr;q=0.9"), "fr");
        assert_eq!(wanted_by("fi, nl;q=0.9"), "fi");
        assert_eq!(wanted_by("*, fi;q=0"), "");
        assert_eq!(wanted_by("<script>, ;q=1, de;q=x"), "");
    }

    #[test]
    fn words_fall_back_to_english_and_arabic_runs_from_the_right() {
        assert_eq!(own(&HeaderMap::new()).language, "en");
        assert_eq!((direction("ar-EG"), direction("pt-BR")), ("rtl", "ltr"));
    }
}
