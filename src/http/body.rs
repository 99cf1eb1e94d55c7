//! A request's body, read within the limits.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::limits::Limits;
use super::memory::{Memory, Reservation};
use super::problem::Problem;

/// The most bytes that are set apart for a body because its sender says so.
const MAX_RESERVED: usize = 8 << 20;

/// A body that has arrived whole, and the room that it takes.
pub struct Upload {
    /// The body's bytes.
    pub bytes: Bytes,
    room: Reservation,
}

impl Upload {
    /// Takes room for `bytes` more: what is unpacked from it.
    ///
    /// # Errors
    /// 429 where the uploads' memory is in use.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        self.room.grow_to(self.bytes.len() + bytes)
    }
}

/// Reads the whole body.
///
/// # Errors
/// 413 over the limit (by `Content-Length`, else as soon as it is passed), 408
/// where no byte comes in time, 429 where the uploads' memory is in use, 400
/// where the body breaks off.
pub async fn receive(headers: &HeaderMap, mut body: Body, limits: &Limits, memory: &Memory) -> Result<Upload, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.max_body.0 as u64) {
        return Err(Problem::too_large(limits.max_body));
    }
    let mut room = memory.upload()?;
    // Addresses alone, until there is something to write.
    let expected = announced.map_or(0, |length| length as usize);
    let mut bytes = BytesMut::with_capacity(expected.min(MAX_RESERVED));
    loop {
        let frame = tokio::time::timeout(limits.body_timeout, body.frame())
            .await
            .map_err(|_| Problem::too_slow(limits.body_timeout))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Problem::malformed("the body broke off before its end"))?;
        // Trailers are of no use here.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limits.max_body.0 {
            return Err(Problem::too_large(limits.max_body));
        }
        room.grow_to(bytes.len() + data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(Upload { bytes: bytes.freeze(), room })
}
