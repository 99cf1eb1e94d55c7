//! What hyper answers by itself is an empty 400, 414 or 431; a head that does not
//! come in time it leaves without an answer. Here these become problems too.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::problem::Problem;

/// How long a client may take to hear that it was too slow.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection's stream, which changes what hyper says into what we say.
pub struct Edge<S> {
    /// There until the edge is dropped.
    stream: Option<S>,
    /// Our words and how much of them is written, while hyper's are held back.
    answer: Option<(Vec<u8>, usize)>,
    /// Whether the client was the last to speak.
    heard: bool,
    remains: Remains<S>,
}

/// What is left of a connection that hyper gave up: its stream, if the client
/// was speaking.
pub struct Remains<S>(Arc<Mutex<Option<S>>>);

impl<S: AsyncWrite + Unpin> Edge<S> {
    /// The edge of `stream`, and where it lies when hyper has dropped it.
    pub fn new(stream: S) -> (Self, Remains<S>) {
        let slot = Arc::new(Mutex::new(None));
        let edge = Self { stream: Some(stream), answer: None, heard: false, remains: Remains(slot.clone()) };
        (edge, Remains(slot))
    }

    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Remains<S> {
    /// Tells a client whose head did not come within `limit` so. An idle one had
    /// not begun to speak, and hears nothing.
    pub async fn too_slow(self, limit: Duration) {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut stream) = stream {
            let told = async {
                stream.write_all(&Problem::slow_head(limit).on_the_wire()).await?;
                stream.shutdown().await?;
                // What it still sends is read: closed over it, the answer would be lost.
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
            };
            // It may have gone, or not be listening.
            let _ = tokio::time::timeout(PATIENCE, told).await;
        }
    }
}

impl<S> Drop for Edge<S> {
    fn drop(&mut self) {
        if self.heard {
            *self.remains.0.lock().unwrap_or_else(PoisonError::into_inner) = self.stream.take();
        }
    }
}

/// The problem in the place of hyper's own answer: a head without a body, and
/// without the id that all of ours have.
fn instead_of(bytes: &[u8]) -> Option<Problem> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.ends_with("\r\n\r\n"))?;
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    if !text.contains("\r\ncontent-length: 0\r\n") || text.contains("\r\nx-request-id:") {
        return None;
    }
    match StatusCode::from_bytes(status.as_bytes()).ok()? {
        StatusCode::BAD_REQUEST => Some(Problem::malformed(
            "this is not HTTP/1.1: look at the request line and at the headers' names and values (RFC 9112)",
        )),
        StatusCode::URI_TOO_LONG => Some(Problem::long_address()),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Some(Problem::large_head()),
        _ => None,
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Edge<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.stream()?.poll_read(cx, buf))?;
        self.heard = buf.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Edge<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.heard = false;
        if self.answer.is_none() {
            self.answer = instead_of(bytes).map(|problem| (problem.on_the_wire(), 0));
        }
        let Some((answer, mut written)) = self.answer.take() else { return self.stream()?.poll_write(cx, bytes) };
        while written < answer.len() {
            match self.stream()?.poll_write(cx, &answer[written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(more)) => written += more,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.answer = Some((answer, written));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            // Hyper's own answer comes alone.
            [slice] => self.poll_write(cx, slice),
            slices => {
                self.heard = false;
                self.stream()?.poll_write_vectored(cx, slices)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}
