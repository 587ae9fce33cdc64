//! The hosted page as HTML: without script, without anything from elsewhere.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};
use lotse_errors::ErrorReason;
use lotse_proto::survey::v1::Form;
use sha2::{Digest as _, Sha256};

use super::language;
use super::words::Words;
use crate::refusal::{Refusal, set_retry_after};

const STYLE: &str = include_str!("page.css");

/// Longest comment in UTF-16 units, as browsers count: whatever is written, it is at most 4,000
/// bytes then.
const MAX_COMMENT: usize = 1_300;

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("ASCII") // invariant: Base64 and fixed text
});

/// What browsers may do with the page: show it and send the form.
pub(super) fn policy() -> HeaderValue {
    POLICY.clone()
}

/// What stands in the form when it is shown.
#[derive(Debug, Default)]
pub(super) struct Filled {
    pub(super) score: Option<i32>,
    pub(super) comment: String,
    pub(super) resolved_first_contact: Option<bool>,
    /// What was wrong with the last attempt.
    pub(super) error: Option<&'static str>,
}

/// The form. `request_id` makes sending it twice one answer.
pub(super) fn form(form: &Form, words: &Words, filled: &Filled, request_id: &str) -> Response {
    let mut body = String::new();
    if let Some(error) = filled.error {
        paragraph(&mut body, "error", error);
    } else if form.answer.is_some() {
        paragraph(&mut body, "note", words.answered);
    }
    // No action: the form goes back to its own address, the secret of which stays out of the page.
    body.push_str("<form method=\"post\">");
    hidden(&mut body, "request_id", request_id);
    hidden(&mut body, "language", &form.language);
    scale(&mut body, form, filled.score);
    if form.ask_resolved_first_contact {
        first_contact(&mut body, words, filled.resolved_first_contact);
    }
    put(
        &mut body,
        "<label class=\"comment\" for=\"comment\" dir=\"auto\">",
        words.comment,
    );
    let _ = writeln!(
        body,
        "</label><textarea id=\"comment\" name=\"comment\" maxlength=\"{MAX_COMMENT}\" dir=\"auto\">"
    );
    put(&mut body, "", &filled.comment);
    put(&mut body, "</textarea><button>", words.send);
    body.push_str("</button></form>");
    let status = match filled.error {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    document(status, &form.language, words, &body)
}

/// Says that the answer is stored.
pub(super) fn thanks(language: &str, words: &Words, token: &str) -> Response {
    let mut body = String::new();
    heading(&mut body, words.thanks);
    paragraph(&mut body, "", words.stored);
    put(&mut body, "<p><a href=\"/s/", token);
    put(&mut body, "\">", words.change);
    body.push_str("</a></p>");
    document(StatusCode::OK, language, words, &body)
}

/// Says that the survey is closed; `settled` when there is an answer.
pub(super) fn closed(language: &str, words: &Words, settled: bool) -> Response {
    let text = if settled {
        words.settled_text
    } else {
        words.closed_text
    };
    told(StatusCode::GONE, language, words, words.closed, text)
}

/// Says why something is not done, and nothing of how that came about.
pub(super) fn refused(refusal: &Refusal, words: &Words) -> Response {
    let settled = refusal.reason == lotse_errors::status::reason_name(ErrorReason::AnswerFinal);
    let (title, text) = match refusal.status {
        StatusCode::GONE => return closed(words.language, words, settled),
        StatusCode::NOT_FOUND => (words.unknown, words.unknown_text),
        StatusCode::TOO_MANY_REQUESTS => (words.busy, words.busy_text),
        StatusCode::PAYLOAD_TOO_LARGE => (words.trouble, words.too_long),
        _ => (words.trouble, words.trouble_text),
    };
    let mut response = told(refusal.status, words.language, words, title, text);
    set_retry_after(&mut response, refusal.retry_after);
    response
}

fn told(status: StatusCode, language: &str, words: &Words, title: &str, text: &str) -> Response {
    let mut body = String::new();
    heading(&mut body, title);
    paragraph(&mut body, "", text);
    document(status, language, words, &body)
}

fn document(status: StatusCode, language: &str, words: &Words, body: &str) -> Response {
    let mut page = String::with_capacity(STYLE.len() + body.len() + 512);
    put(&mut page, "<!doctype html>\n<html lang=\"", language);
    put(&mut page, "\" dir=\"", language::direction(language));
    page.push_str(
        "\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\"><title>",
    );
    put(&mut page, "", words.title);
    let _ = write!(page, "</title><style>{STYLE}</style></head><body><main>");
    page.push_str(body);
    page.push_str("</main></body></html>\n");
    (status, Html(page)).into_response()
}

fn scale(body: &mut String, form: &Form, chosen: Option<i32>) {
    put(body, "<fieldset><legend dir=\"auto\">", &form.question);
    body.push_str("</legend><div class=\"scale\">");
    // Whoever asks for a scale of thousands gets a hundred: the page stays a page.
    for score in (form.min_score..=form.max_score).take(100) {
        radio(
            body,
            "score",
            &score.to_string(),
            &score.to_string(),
            chosen == Some(score),
        );
    }
    put(
        body,
        "</div><div class=\"ends\"><span dir=\"auto\">",
        &form.min_label,
    );
    put(body, "</span><span dir=\"auto\">", &form.max_label);
    body.push_str("</span></div></fieldset>");
}

fn first_contact(body: &mut String, words: &Words, chosen: Option<bool>) {
    put(
        body,
        "<fieldset><legend class=\"second\" dir=\"auto\">",
        words.first_contact,
    );
    body.push_str("</legend><div class=\"scale\">");
    radio(
        body,
        "resolved_first_contact",
        "yes",
        words.yes,
        chosen == Some(true),
    );
    radio(
        body,
        "resolved_first_contact",
        "no",
        words.no,
        chosen == Some(false),
    );
    body.push_str("</div></fieldset>");
}

fn radio(body: &mut String, name: &str, value: &str, label: &str, checked: bool) {
    put(body, "<label><input type=\"radio\" name=\"", name);
    put(body, "\" value=\"", value);
    body.push_str(if checked { "\" checked>" } else { "\">" });
    put(body, "", label);
    body.push_str("</label>");
}

fn hidden(body: &mut String, name: &str, value: &str) {
    put(body, "<input type=\"hidden\" name=\"", name);
    put(body, "\" value=\"", value);
    body.push_str("\">");
}

fn heading(body: &mut String, text: &str) {
    put(body, "<h1 dir=\"auto\">", text);
    body.push_str("</h1>");
}

fn paragraph(body: &mut String, class: &str, text: &str) {
    put(body, "<p dir=\"auto\" class=\"", class);
    put(body, "\">", text);
    body.push_str("</p>");
}

/// Appends markup of ours and then a text, escaped for content and for quoted attributes alike.
fn put(page: &mut String, markup: &str, text: &str) {
    page.push_str(markup);
    for sign in text.chars() {
        match sign {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            // NUL is no character of HTML.
            '\0' => page.push('\u{fffd}'),
            sign => page.push(sign),
        }
    }
}
