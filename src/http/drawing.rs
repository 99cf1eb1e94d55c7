//! One photo's way through the service: decoded, drawn and encoded, each within
//! its limits, and only once for all who ask for the same at the same time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::flights::Key;
use super::intake::Photo;
use super::memory::Reservation;
use super::params::Parameters;
use super::problem::Problem;
use super::{Service, metrics};
use crate::engine::{Admission, Timings};
use crate::imaging::{self, Decoded, EncodeError, Format, Provenance};

/// Bytes a pixel of a picture in hand: the photo, the drawing, and what the
/// encoder takes.
const IN_HAND: usize = 12;

/// What is to be drawn.
pub struct Order {
    /// The photo.
    pub photo: Photo,
    /// How to draw it.
    pub parameters: Parameters,
    /// What the picture is written as.
    pub format: Format,
    /// Its name: the same for all that is the same.
    pub key: Key,
}

/// A drawn picture as it is sent; cheap to clone.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The picture's file.
    pub bytes: Bytes,
    /// What it is written as.
    pub format: Format,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The model that drew it.
    pub model: String,
    /// The SHA-256 of its weights.
    pub weights: String,
    /// How long it took.
    pub stages: Stages,
}

/// How long each stage of a picture took.
#[derive(Clone, Copy, Debug)]
pub struct Stages {
    decode: Duration,
    timings: Timings,
    encode: Duration,
}

impl Stages {
    /// The stages by name.
    pub fn all(&self) -> [(&'static str, Duration); 4] {
        let Self { decode, timings: Timings { queue, infer }, encode } = *self;
        [("decode", decode), ("queue", queue), ("infer", infer), ("encode", encode)]
    }
}

/// The picture of an order. Whoever asks for what is being drawn waits for it;
/// when all who wait have gone, the work is dropped.
///
/// # Errors
/// Every [`Problem`].
pub async fn draw(
    service: &Service,
    order: Order,
    place: impl FnOnce() -> Result<Admission, Problem>,
) -> Result<Drawn, Problem> {
    let key = order.key;
    if let Some(drawn) = service.cache.get(&key) {
        return Ok(drawn);
    }
    let flight = service.flights.join(key, || {
        let (service, place) = (service.clone(), place());
        async move {
            let drawn = fly(&service, order, place?).await?;
            service.cache.put(key, &drawn);
            Ok(drawn)
        }
    });
    flight.await
}

async fn fly(service: &Service, order: Order, place: Admission) -> Result<Drawn, Problem> {
    let Order { photo, parameters, format, .. } = order;
    let side = place.side(parameters.settings())?;
    let max_side = (!parameters.original_size).then_some(side);
    let (decoded, mut room, decode) = self::decode(service, photo, max_side).await?;
    let (quality, told) = (parameters.quality.unwrap_or_default(), parameters.told());
    let prepared = place.prepare(parameters.into_job(decoded.picture)).await?;
    room.shrink_to(prepared.pixels() * IN_HAND);
    let drawing = prepared.draw().await?;
    let picture = drawing.picture;
    let size = (picture.width, picture.height);
    let (model, weights) = (drawing.model, drawing.weights_hash);
    let provenance = Provenance { model: model.clone(), weights: weights.clone(), parameters: told };
    let write = move || Ok(provenance.mark(imaging::encode(&picture, format, quality)?, format, &picture));
    let (bytes, encode) = timed(write).await?;
    let bytes: Result<_, EncodeError> = bytes;
    let stages = Stages { decode, timings: drawing.timings, encode };
    for (stage, took) in stages.all() {
        metrics::stage(stage, took);
    }
    Ok(Drawn { bytes: room.hold(bytes?), format, size, model, weights, stages })
}

/// Decodes on the blocking pool, within the pictures' memory, to be no longer than
/// `max_side`; the photo is dropped as soon as it is decoded.
///
/// # Errors
/// 422 where it cannot be decoded, 429 where its room is in use.
pub async fn decode(
    service: &Service,
    photo: Photo,
    max_side: Option<u32>,
) -> Result<(Decoded, Reservation, Duration), Problem> {
    let limits = imaging::Limits { max_pixels: service.limits.max_pixels };
    let room = service.memory.pictures(cost(&photo, &limits)).await?;
    let work = move || {
        let decoded = imaging::decode_fitted(&photo.bytes, &limits, max_side);
        drop(photo);
        // Held here as well: the work goes on when its requester has gone.
        (decoded, room)
    };
    let limit = service.limits.decode_timeout;
    let too_long = || {
        let limit = limit.as_secs_f64();
        Problem::undecodable(format!("decoding took more than the limit of {limit} s; save the picture anew"))
    };
    // A decoder cannot be stopped: it goes on, and keeps its room until its end.
    let decoding = tokio::time::timeout(limit, timed(work)).await;
    let ((decoded, room), took) = decoding.map_err(|_| too_long())??;
    // On a busy machine the decoder may end before the clock is looked at.
    if took > limit {
        return Err(too_long());
    }
    Ok((decoded?, room, took))
}

/// What decoding may take, in bytes: nothing where it will be refused at once.
fn cost(photo: &Photo, limits: &imaging::Limits) -> usize {
    let pixels = u64::from(photo.size.0) * u64::from(photo.size.1);
    // A progressive JPEG keeps its coefficients beside its pixels. The others
    // may have alpha, by which the colours are weighted in 16 bits to be fitted.
    let bytes = match photo.format {
        Format::Jpeg | Format::Bmp => IN_HAND,
        Format::Png | Format::WebP | Format::Gif => 26,
    };
    if pixels > limits.max_pixels { 0 } else { pixels as usize * bytes }
}

/// Runs pixel work on the blocking pool, and measures it.
///
/// # Errors
/// 422 where it panics.
pub async fn timed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<(T, Duration), Problem> {
    let timed = move || {
        let start = Instant::now();
        (work(), start.elapsed())
    };
    // A decoder that panics is a decoder that met a picture it cannot decode.
    tokio::task::spawn_blocking(timed).await.map_err(|error| {
        tracing::error!(%error, "the work on a picture panicked");
        metrics::panic("picture");
        Problem::undecodable("the picture breaks its decoder; save it anew with another program")
    })
}
