//! `POST /v1/stylize`: a photo in, a drawing out.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::engine::Timings;
use crate::http::body::{self, Upload};
use crate::http::memory::Reservation;
use crate::http::params::{self, Parameters};
use crate::http::problem::Problem;
use crate::http::{Service, multipart, negotiate};
use crate::imaging::{self, Decoded, Format, probe};

/// The form's field that holds the photo.
const PHOTO: &str = "image";

/// Bytes a pixel of a picture in hand: the photo, the drawing, and what the
/// encoder takes.
const IN_HAND: usize = 12;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const MODEL: HeaderName = HeaderName::from_static("x-sakuga-model");
const WEIGHTS: HeaderName = HeaderName::from_static("x-sakuga-weights");

/// Draws the photo in the body.
///
/// # Errors
/// Every [`Problem`]; the cheap ones first, so that nothing is decoded in vain.
pub async fn stylize(State(service): State<Service>, request: Request) -> Result<Response, Problem> {
    let ticket = service.engine.enter()?;
    let (head, body) = request.into_parts();
    let mut pairs = params::from_query(&head.uri)?;
    let boundary = multipart::boundary(&head.headers)?;
    let upload = body::receive(&head.headers, body, &service.limits, &service.memory).await?;
    let photo = match boundary {
        Some(boundary) => from_form(&upload.bytes, &boundary, &mut pairs)?,
        None => upload.bytes.clone(),
    };
    if photo.is_empty() {
        return Err(Problem::malformed(format!(
            "there is no photo; send it as the field `{PHOTO}` of a form, or as the body itself"
        )));
    }
    let parameters = Parameters::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    service.engine.check(parameters.settings())?;

    let place = ticket.admit()?;
    let (decoded, mut room, decode) = decode(&service, photo, upload).await?;
    let format = negotiate::format(parameters.format, &head.headers, decoded.format);
    let quality = parameters.quality;
    let prepared = place.prepare(parameters.into_job(decoded.picture)).await?;
    room.shrink_to(prepared.pixels() * IN_HAND);
    let drawing = prepared.draw().await?;
    let picture = drawing.picture;
    let (bytes, encode) = timed(move || imaging::encode(&picture, format, quality)).await?;

    let timing = Stages { decode, timings: drawing.timings, encode }.header();
    let mut response = Body::from(room.hold(bytes?)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    insert(headers, SERVER_TIMING, &timing);
    insert(headers, MODEL, &drawing.model);
    insert(headers, WEIGHTS, &drawing.weights_hash);
    Ok(response)
}

/// The photo of a form; its other fields join the query's pairs.
fn from_form(body: &Bytes, boundary: &str, pairs: &mut Vec<(String, String)>) -> Result<Bytes, Problem> {
    let mut photo = None;
    for part in multipart::parse(body, boundary)? {
        if part.name == PHOTO {
            if photo.replace(part.data).is_some() {
                return Err(Problem::malformed(format!(
                    "the field `{PHOTO}` is given twice; send one photo a request"
                )));
            }
        } else if params::NAMES.contains(&part.name.as_str()) {
            let value = String::from_utf8(part.data.to_vec())
                .map_err(|_| Problem::bad_parameter(format!("`{}` is not UTF-8", part.name)))?;
            pairs.push((part.name, value));
        } else {
            return Err(params::unknown(&part.name));
        }
    }
    photo.ok_or_else(|| Problem::malformed(format!("the form has no field `{PHOTO}`; it holds the photo")))
}

/// Decodes on the blocking pool, within the pictures' memory; the upload is
/// dropped as soon as it is decoded.
async fn decode(service: &Service, photo: Bytes, upload: Upload) -> Result<(Decoded, Reservation, Duration), Problem> {
    let limits = imaging::Limits { max_pixels: service.limits.max_pixels };
    let room = service.memory.pictures(cost(&photo, &limits)?).await?;
    let work = move || {
        let decoded = imaging::decode(&photo, &limits);
        drop((photo, upload));
        // Held here as well: the work goes on when its requester has gone.
        (decoded, room)
    };
    let ((decoded, room), took) = timed(work).await?;
    Ok((decoded?, room, took))
}

/// What decoding may take, in bytes: nothing where it will be refused at once.
///
/// # Errors
/// 415 for what is no picture, 422 for a broken header.
fn cost(photo: &[u8], limits: &imaging::Limits) -> Result<usize, Problem> {
    let (format, width, height) = probe(photo)?;
    let pixels = u64::from(width) * u64::from(height);
    // A progressive JPEG keeps its coefficients beside its pixels. The others
    // may have alpha, by which the colours are weighted in 16 bits to be fitted.
    let bytes = match format {
        Format::Jpeg | Format::Bmp => IN_HAND,
        Format::Png | Format::WebP | Format::Gif => 26,
    };
    Ok(if pixels > limits.max_pixels { 0 } else { pixels as usize * bytes })
}

/// Runs pixel work on the blocking pool, and measures it.
async fn timed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<(T, Duration), Problem> {
    let timed = move || {
        let start = Instant::now();
        (work(), start.elapsed())
    };
    // A decoder that panics is a decoder that met a picture it cannot decode.
    tokio::task::spawn_blocking(timed).await.map_err(|error| {
        tracing::error!(%error, "the work on a picture panicked");
        Problem::undecodable("the picture breaks its decoder; save it anew with another program")
    })
}

/// The stages of an answer, for `Server-Timing`.
struct Stages {
    decode: Duration,
    timings: Timings,
    encode: Duration,
}

impl Stages {
    fn header(&self) -> String {
        let ms = |stage: Duration| stage.as_secs_f64() * 1e3;
        let Self { decode, timings: Timings { queue, infer }, encode } = *self;
        format!(
            "decode;dur={:.1}, queue;dur={:.1}, infer;dur={:.1}, encode;dur={:.1}",
            ms(decode),
            ms(queue),
            ms(infer),
            ms(encode)
        )
    }
}

/// A header whose value may hold what no header may: then it is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
