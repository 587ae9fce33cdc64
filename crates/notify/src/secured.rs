//! Mail over TLS: the change to it with STARTTLS, and the stream as the mail client takes it.
//!
//! The change is made here, on the bare stream, so that nothing that came before TLS is ever taken
//! for something said under it: a bystander who slips answers in behind the server's "go ahead"
//! could otherwise have a mail counted as delivered that nobody took.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::Failure;

/// Bytes of an answer at most.
const ANSWER: usize = 8 * 1024;

/// A stream under TLS that begins with a greeting: one that was read before the change to TLS, and
/// that the mail client wants to see.
pub(crate) struct Secured {
    greeting: Vec<u8>,
    stream: TlsStream<TcpStream>,
}

impl Secured {
    pub(crate) fn new(stream: TlsStream<TcpStream>, greeting: Vec<u8>) -> Self {
        Self { greeting, stream }
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secured")
    }
}

impl AsyncTokioStream for Secured {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.greeting.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let count = this.greeting.len().min(buffer.remaining());
        let read: Vec<u8> = this.greeting.drain(..count).collect();
        buffer.put_slice(&read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// Says hello as `name` and asks for TLS (RFC 3207). Gives the stream, on which TLS is to begin, and
/// the server's greeting.
pub(crate) async fn start_tls(
    mut stream: TcpStream,
    name: &str,
) -> Result<(TcpStream, Vec<u8>), Failure> {
    let mut answers = Answers::default();
    let greeting = answers.next(&mut stream, "the greeting").await?;
    say(&mut stream, &format!("EHLO {name}\r\n")).await?;
    let offers = answers.next(&mut stream, "EHLO").await?;
    let offers = String::from_utf8_lossy(&offers).to_ascii_uppercase();
    if !offers.lines().any(|line| line.get(4..) == Some("STARTTLS")) {
        let text = "the mail server does not offer STARTTLS";
        return Err(Failure::passing("no_starttls", text));
    }
    say(&mut stream, "STARTTLS\r\n").await?;
    answers.next(&mut stream, "STARTTLS").await?;
    if answers.unread.is_empty() {
        Ok((stream, greeting))
    } else {
        let text = "something was said between STARTTLS and TLS; it is not listened to";
        Err(Failure::passing("starttls_injection", text))
    }
}

async fn say(stream: &mut TcpStream, line: &str) -> Result<(), Failure> {
    let said = stream.write_all(line.as_bytes()).await;
    said.map_err(|error| Failure::passing("no_answer", error.to_string()))
}

/// Answers of a mail server, read in the clear.
#[derive(Default)]
struct Answers {
    unread: Vec<u8>,
}

impl Answers {
    /// The next answer, if it is a 2xx.
    async fn next(&mut self, stream: &mut TcpStream, step: &str) -> Result<Vec<u8>, Failure> {
        let end = loop {
            if let Some(end) = end_of_answer(&self.unread) {
                break end;
            }
            if self.unread.len() > ANSWER {
                let text = format!("the answer to {step} has no end");
                return Err(Failure::passing("no_answer", text));
            }
            let read = stream.read_buf(&mut self.unread).await;
            let read = read.map_err(|error| Failure::passing("no_answer", error.to_string()))?;
            if read == 0 {
                let text = format!("the mail server hung up at {step}");
                return Err(Failure::passing("no_answer", text));
            }
        };
        let answer: Vec<u8> = self.unread.drain(..end).collect();
        let code = answer
            .get(..3)
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|code| code.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(code) if code.starts_with('2') => Ok(answer),
            Some(code) => {
                let text = format!("the mail server answered {code} to {step}");
                let permanent = code.starts_with('5');
                Err(Failure {
                    permanent,
                    ..Failure::passing(format!("smtp_{code}"), text)
                })
            }
            None => {
                let text = format!("the answer to {step} is not a mail server's");
                Err(Failure::passing("no_answer", text))
            }
        }
    }
}

/// Where the first answer ends: after a line whose code is not followed by a dash.
fn end_of_answer(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    while let Some(length) = bytes.get(start..)?.iter().position(|byte| *byte == b'\n') {
        let end = start + length + 1;
        if bytes.get(start + 3) != Some(&b'-') {
            return Some(end);
        }
        start = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_its_last_line_and_not_before() {
        assert_eq!(end_of_answer(b""), None);
        assert_eq!(end_of_answer(b"220 mail"), None);
        assert_eq!(end_of_answer(b"220 mail\r\n"), Some(10));
        assert_eq!(end_of_answer(b"250-mail\r\n250 STARTTLS\r\n"), Some(24));
        assert_eq!(end_of_answer(b"250-mail\r\n250-8BITMIME\r\n"), None);
        assert_eq!(end_of_answer(b"220 go\r\n250 slipped in\r\n"), Some(8));
    }
}
