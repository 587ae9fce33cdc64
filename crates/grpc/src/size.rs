//! Refuses messages that are too large before they are held in memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use lotse_errors::Error;
use tonic::Status;
use tonic::body::Body;

/// A request body whose messages may have at most `max` bytes as sent.
///
/// tonic has a limit of its own, per generated server, that answers OUT_OF_RANGE.
pub(crate) struct Limited {
    inner: Body,
    messages: Messages,
}

impl Limited {
    pub(crate) fn new(inner: Body, max: usize) -> Self {
        Self {
            inner,
            messages: Messages {
                max,
                head: Vec::with_capacity(5),
                rest: 0,
            },
        }
    }
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(error) = self.messages.check(data)
        {
            return Poll::Ready(Some(Err(error.into())));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

/// Follows the length prefixes of the messages in a body: a flag and four bytes each.
struct Messages {
    max: usize,
    head: Vec<u8>,
    rest: usize,
}

impl Messages {
    fn check(&mut self, mut data: &[u8]) -> Result<(), Error> {
        loop {
            let skipped = self.rest.min(data.len());
            self.rest -= skipped;
            data = &data[skipped..];
            if data.is_empty() {
                return Ok(());
            }
            let taken = (5 - self.head.len()).min(data.len());
            self.head.extend_from_slice(&data[..taken]);
            data = &data[taken..];
            if let [_flag, a, b, c, d] = *self.head.as_slice() {
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                if length > self.max {
                    let limit = format!("must be at most {} bytes, not {length}", self.max);
                    return Err(Error::invalid("message", limit));
                }
                self.head.clear();
                self.rest = length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(lengths: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for length in lengths {
            bytes.push(0);
            bytes.extend_from_slice(&(*length as u32).to_be_bytes());
            bytes.resize(bytes.len() + length, 0xff);
        }
        bytes
    }

    #[test]
    fn limit_holds_for_each_message_however_the_body_is_cut() {
        for cut in 1..20 {
            let mut good = Messages {
                max: 10,
                head: Vec::new(),
                rest: 0,
            };
            for part in framed(&[10, 0, 9, 10]).chunks(cut) {
                good.check(part).unwrap();
            }
            let mut bad = Messages {
                max: 10,
                head: Vec::new(),
                rest: 0,
            };
            let checked: Result<Vec<()>, Error> = framed(&[10, 0, 11])
                .chunks(cut)
                .map(|part| bad.check(part))
                .collect();
            assert!(checked.is_err(), "cut {cut}");
        }
    }
}
