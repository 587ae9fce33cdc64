//! W3C trace context: over gRPC in the `traceparent` header, through the journal as its text.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The trace id of the current span in hex, if it is part of a trace.
pub fn current_trace_id() -> Option<String> {
    trace_id(&Span::current())
}

/// The trace id of a span in hex, if it is part of a trace.
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// The current span as a W3C `traceparent`, to be stored with what it caused; empty outside a
/// trace.
pub fn current_traceparent() -> String {
    let context = Span::current().context();
    let context = context.span().span_context().clone();
    if !context.is_valid() {
        return String::new();
    }
    let flags = context.trace_flags().to_u8();
    format!(
        "00-{}-{}-{flags:02x}",
        context.trace_id(),
        context.span_id()
    )
}

/// Makes `span` a child of a stored `traceparent`. An empty or damaged one is ignored: a broken
/// trace must not stop the work. The span must not have been entered before.
///
/// ```
/// let stored = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let span = lotse_telemetry::span_with_parent(tracing::info_span!("journal.apply"), stored);
/// let _inside = span.enter();
/// ```
#[must_use]
pub fn span_with_parent(span: Span, traceparent: &str) -> Span {
    if !traceparent.is_empty() {
        let context = TraceContextPropagator::new()
            .extract_with_context(&Context::new(), &Stored(traceparent));
        adopt(&span, context);
    }
    span
}

/// Makes `span` a child of the caller's span named in the headers of a request.
pub fn adopt_caller(span: &Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        let context =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Incoming(headers));
        adopt(span, context);
    }
}

/// Names the current span in the headers of an outgoing request.
pub fn inject_current(headers: &mut HeaderMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Outgoing(headers));
}

fn adopt(span: &Span, context: Context) {
    if context.span().span_context().is_valid() {
        // Fails only where no tracer listens, and then there is no trace to continue.
        let _ = span.set_parent(context);
    }
}

struct Stored<'a>(&'a str);

impl Extractor for Stored<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        let pair = (
            HeaderName::from_bytes(key.as_bytes()),
            HeaderValue::from_str(&value),
        );
        if let (Ok(name), Ok(value)) = pair
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, subscriber};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn stored_context_is_continued_and_given_on_without_any_exporter() {
        let quiet = Config {
            log_filter: "off".to_owned(),
            ..Config::default()
        };
        let (subscriber, _tracer) = subscriber(&quiet, std::io::sink).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let span = span_with_parent(tracing::info_span!("apply"), PARENT);
            let _inside = span.enter();
            assert_eq!(
                current_trace_id().as_deref(),
                Some("0af7651916cd43dd8448eb211c80319c")
            );
            let own = current_traceparent();
            assert!(
                own.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
                "{own}"
            );
            assert_ne!(own, PARENT);
            let mut headers = HeaderMap::new();
            inject_current(&mut headers);
            assert_eq!(headers.get("traceparent").unwrap().to_str().unwrap(), own);
        });
    }

    #[test]
    fn callers_context_is_adopted_and_damaged_one_begins_a_new_trace() {
        let (subscriber, _tracer) = subscriber(&Config::default(), std::io::sink).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_static(PARENT));
            let span = tracing::info_span!("rpc");
            adopt_caller(&span, &headers);
            assert_eq!(
                trace_id(&span).as_deref(),
                Some("0af7651916cd43dd8448eb211c80319c")
            );
            let span = span_with_parent(tracing::info_span!("apply"), "00-zz-1-01");
            let fresh = trace_id(&span).unwrap();
            assert_ne!(fresh, "0af7651916cd43dd8448eb211c80319c");
            assert_eq!(fresh.len(), 32);
        });
    }

    #[test]
    fn outside_a_trace_there_is_no_context() {
        assert_eq!(current_traceparent(), "");
        assert_eq!(current_trace_id(), None);
    }
}
