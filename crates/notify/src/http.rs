//! One HTTP/1.1 request over one connection of its own. No redirect is followed, no proxy asked,
//! and of the answer no more is read than is needed.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lotse_clock::SystemClock;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::{Failure, Sender};

/// Bytes of an answer's body that are read at most, and only when it is no success.
const BODY: usize = 4 * 1024;
/// Bytes of an answer's head that are taken at most.
const HEAD: usize = 64 * 1024;
/// Longest rest that a receiver is granted.
const LONGEST_REST: Duration = Duration::from_secs(24 * 60 * 60);

const AGENT: &str = concat!("Lotse/", env!("CARGO_PKG_VERSION"));

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    /// The beginning of the body of an answer that is no success.
    pub(crate) body: Bytes,
}

impl Sender {
    /// Posts JSON to `url`.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: &[(HeaderName, String)],
        body: Vec<u8>,
    ) -> Result<Answer, Failure> {
        let request = request(url, headers, body)?;
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let patience = self.config.connect_timeout;
        let stream = self.guard.connect(host, port, patience).await?;
        if url.scheme() == "https" {
            let stream = self.wrap(host, stream).await?;
            exchange(stream, request).await
        } else {
            exchange(stream, request).await
        }
    }

    /// Makes a connection safe; the certificate must be for `host`.
    pub(crate) async fn wrap<S>(
        &self,
        host: &str,
        stream: S,
    ) -> Result<tokio_rustls::client::TlsStream<S>, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned());
        let name = name.map_err(|_| Failure::permanent("tls", "the host is no name for TLS"))?;
        let connector = TlsConnector::from(self.tls.clone());
        connector
            .connect(name, stream)
            .await
            .map_err(|error| tls(&error))
    }
}

/// A failed handshake.
fn tls(error: &io::Error) -> Failure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(error @ rustls::Error::InvalidCertificate(_)) => {
            Failure::passing("bad_certificate", error.to_string())
        }
        _ => Failure::passing("tls", error.to_string()),
    }
}

fn request(
    url: &Url,
    headers: &[(HeaderName, String)],
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, Failure> {
    // What was read as a URL is a URI; a header's value is made of ids, numbers and base64.
    let invalid = |_| Failure::permanent("unusable", "the target or the notice fits no request");
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut builder = Request::post(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, host)
        .header(header::USER_AGENT, AGENT)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .header(header::CONNECTION, "close");
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(|error| invalid(error.into()))?;
        builder = builder.header(name, value);
    }
    builder.body(Full::from(body)).map_err(invalid)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let cut_off = |error: hyper::Error| Failure::passing("no_answer", cause(&error));
    let handshake = http1::Builder::new()
        .max_buf_size(HEAD)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(cut_off)?;
    let talk = async move {
        let response = sender.send_request(request).await.map_err(cut_off)?;
        Ok(answer(response).await)
    };
    tokio::pin!(talk, connection);
    tokio::select! {
        answer = &mut talk => answer,
        // The connection is over; what it brought is there.
        _ = &mut connection => talk.await,
    }
}

async fn answer(response: http::Response<Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let body = if head.status.is_success() {
        Bytes::new()
    } else {
        beginning(body).await
    };
    Answer {
        status: head.status,
        retry_after: retry_after(&head.headers),
        body,
    }
}

/// The beginning of a body, as far as it comes.
async fn beginning(mut body: Incoming) -> Bytes {
    let mut read = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
        if read.len() >= BODY {
            read.truncate(BODY);
            break;
        }
    }
    read.freeze()
}

/// How long the receiver asked to be left alone: seconds, or until a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let rest = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(value)
                .ok()?;
            lotse_clock::Timestamp::from_millis(date.as_millisecond()).since(SystemClock.now())
        }
    };
    Some(rest.min(LONGEST_REST))
}

/// An error of hyper with its cause, which says more.
fn cause(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

impl Answer {
    /// What an answer that is no success means by HTTP's own rules: too early, too much and the
    /// receiver's own trouble pass, all else does not.
    pub(crate) fn failure(&self) -> Failure {
        let status = self.status;
        let reason = format!("status_{}", status.as_u16());
        let text = format!("the receiver answered {}", status.as_u16());
        let passing = status.is_server_error()
            || status.is_success()
            || [408, 409, 425, 429].contains(&status.as_u16());
        let failure = if status.is_redirection() {
            Failure::permanent("redirect", format!("{text}; no redirect is followed"))
        } else if passing {
            Failure::passing(reason, text)
        } else {
            Failure::permanent(reason, text)
        };
        failure.after(self.retry_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: Some(Duration::from_secs(7)),
            body: Bytes::new(),
        }
    }

    #[test]
    fn statuses_pass_or_are_permanent() {
        for (status, permanent) in [
            (301, true),
            (307, true),
            (400, true),
            (401, true),
            (404, true),
            (408, false),
            (410, true),
            (425, false),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let failure = answer(status).failure();
            assert_eq!(failure.permanent, permanent, "{status}");
            assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
        }
        assert_eq!(answer(302).failure().reason, "redirect");
        assert_eq!(answer(503).failure().reason, "status_503");
    }

    #[test]
    fn a_receiver_may_ask_for_a_rest_in_seconds_or_until_a_date() {
        let asked = |value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, value)]))
        };
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("Tue, 31 Dec 2999 23:59:59 GMT"), Some(LONGEST_REST));
        assert_eq!(asked("99999999"), Some(LONGEST_REST));
        assert_eq!(asked("soon"), None);
    }
}
