//! One call as seen in traces and metrics.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use lotse_clock::SystemClock;
use metrics::{SharedString, counter, gauge, histogram};
use tonic::Code;
use tracing::Span;

use crate::methods::Method;

/// The span of a call, a child of the caller's own if it sent one along.
pub(crate) fn span(method: &Method, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "rpc",
        otel.name = &*method.label,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.grpc.status_code = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
        method = &*method.label,
        trace_id = tracing::field::Empty,
        request_id = tracing::field::Empty,
    );
    lotse_telemetry::trace::adopt_caller(&span, headers);
    if let Some(trace_id) = lotse_telemetry::trace::trace_id(&span) {
        span.record("trace_id", trace_id);
    }
    span
}

/// Counts one call when it ends, however it ends.
pub(crate) struct Call {
    method: Arc<Method>,
    span: Span,
    began: Instant,
    counted: bool,
}

impl Call {
    pub(crate) fn begin(method: Arc<Method>, span: Span) -> Self {
        gauge!("lotse_rpcs_in_flight").increment(1);
        Self {
            method,
            span,
            began: SystemClock.monotonic(),
            counted: false,
        }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// The call ended with the status in `headers` (or trailers), OK if there is none.
    pub(crate) fn ended(&mut self, headers: &HeaderMap) {
        let code = headers
            .get("grpc-status")
            .map(|code| Code::from_bytes(code.as_bytes()));
        self.count(code.unwrap_or(Code::Ok));
    }

    fn count(&mut self, code: Code) {
        self.span.record("rpc.grpc.status_code", code as i32);
        // OpenTelemetry's semantic conventions for RPC: of a server's spans only these are errors.
        if matches!(
            code,
            Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
        ) {
            self.span.record("otel.status_code", "ERROR");
        }
        self.write(name(code));
    }

    fn write(&mut self, code: &'static str) {
        if !std::mem::replace(&mut self.counted, true) {
            let method = SharedString::from_shared(Arc::clone(&self.method.label));
            let took = self.began.elapsed();
            counter!("lotse_rpcs_total", "method" => method.clone(), "code" => code).increment(1);
            histogram!("lotse_rpc_seconds", "method" => method, "code" => code).record(took);
            gauge!("lotse_rpcs_in_flight").decrement(1);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // The caller went away, or the connection broke: nobody has seen a status.
        self.write("DROPPED");
    }
}

/// A code as the protocol spells it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
