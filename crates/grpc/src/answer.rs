//! The body of an answer: what holds for a call also holds while its answer is being sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Frame;
use lotse_errors::Error;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use crate::observe::Call;
use crate::pipeline::panicked;

/// When a stream that ended because the server stops may be opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(200);

/// Passes a body on, counts the call at its end, catches panics and ends streams in time.
pub(crate) struct Answer {
    inner: Body,
    call: Call,
    stream: Option<Stream>,
    ended: bool,
}

/// What ends a stream that would go on.
pub(crate) struct Stream {
    /// The caller's deadline.
    pub(crate) deadline: Option<Pin<Box<Sleep>>>,
    /// The server drains. A unary answer is never cut off by it: that one is all there at once.
    pub(crate) draining: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Its place among the streams.
    pub(crate) _place: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(crate) fn new(inner: Body, call: Call, stream: Option<Stream>) -> Self {
        Self {
            inner,
            call,
            stream,
            ended: false,
        }
    }

    fn end(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.ended = true;
        let trailers = trailers(error);
        self.call.ended(&trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn must_end(&mut self, cx: &mut Context<'_>) -> Option<Error> {
        let stream = self.stream.as_mut()?;
        if let Some(deadline) = &mut stream.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Some(Error::deadline_exceeded());
        }
        if stream.draining.as_mut().poll(cx).is_ready() {
            return Some(Error::stopping(REOPEN_AFTER));
        }
        None
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let span = self.call.span().clone();
        let _inside = span.enter();
        // Asked first, so that a stream which always has something to say ends as well.
        if let Some(error) = self.must_end(cx) {
            return self.end(error);
        }
        let inner = Pin::new(&mut self.inner);
        match catch_unwind(AssertUnwindSafe(|| inner.poll_frame(cx))) {
            Err(panic) => self.end(panicked(panic)),
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.call.ended(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Ok(other) => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

/// A status as the trailers of an answer that has begun.
fn trailers(error: Error) -> HeaderMap {
    let mut headers = Status::from(error).into_http::<()>().into_parts().0.headers;
    headers.remove(header::CONTENT_TYPE);
    headers
}
