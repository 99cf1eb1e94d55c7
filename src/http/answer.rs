//! Pictures as they are sent: the picture itself, a zip of several, or JSON.

use std::io::{Cursor, Write};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Serialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::drawing::Drawn;
use super::flights::Key;
use super::memory::Reservation;
use super::problem::Problem;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const MODEL: HeaderName = HeaderName::from_static("x-sakuga-model");
const WEIGHTS: HeaderName = HeaderName::from_static("x-sakuga-weights");

/// One picture.
pub fn picture(drawn: Drawn) -> Response {
    let mut response = Body::from(drawn.bytes.clone()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(drawn.format.media_type()));
    describe(response.headers_mut(), std::slice::from_ref(&drawn));
    response
}

/// Several pictures in one archive, named by their places: 001.jpg, 002.png, …;
/// the answer holds `room` until it is sent.
///
/// # Errors
/// 500 where the archive cannot be written.
pub fn archive(pictures: &[Drawn], room: Reservation) -> Result<Response, Problem> {
    let bytes = zip(pictures).map_err(|error| {
        tracing::error!(%error, "an archive cannot be written");
        Problem::internal()
    })?;
    Ok(whole(pictures, "application/zip", room.hold(bytes)))
}

fn whole(pictures: &[Drawn], kind: &'static str, bytes: Bytes) -> Response {
    let mut response = ([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response();
    describe(response.headers_mut(), pictures);
    response
}

fn zip(pictures: &[Drawn]) -> zip::result::ZipResult<Vec<u8>> {
    // Pictures are compressed already; a fixed date keeps the same bytes.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (place, drawn) in pictures.iter().enumerate() {
        archive.start_file(format!("{:03}.{}", place + 1, drawn.format.extension()), options)?;
        archive.write_all(&drawn.bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// A picture in JSON.
#[derive(Serialize)]
struct Document<'a> {
    /// The file, in base64.
    image: String,
    media_type: &'static str,
    width: u32,
    height: u32,
    model: &'a str,
    weights: &'a str,
    /// Milliseconds by stage.
    timings: serde_json::Map<String, serde_json::Value>,
}

impl<'a> Document<'a> {
    fn new(drawn: &'a Drawn) -> Self {
        let ms = |took: std::time::Duration| (took.as_secs_f64() * 1e4).round() / 10.0;
        Self {
            image: BASE64_STANDARD.encode(&drawn.bytes),
            media_type: drawn.format.media_type(),
            width: drawn.size.0,
            height: drawn.size.1,
            model: &drawn.model,
            weights: &drawn.weights,
            timings: drawn.stages.all().into_iter().map(|(stage, took)| (stage.to_owned(), ms(took).into())).collect(),
        }
    }
}

/// One picture as a JSON object, several as an array of them; the answer holds
/// `room` until it is sent.
///
/// # Errors
/// 500 where the JSON cannot be written.
pub fn json(pictures: &[Drawn], room: Reservation) -> Result<Response, Problem> {
    let bytes = match pictures {
        [drawn] => serde_json::to_vec(&Document::new(drawn)),
        pictures => serde_json::to_vec(&pictures.iter().map(Document::new).collect::<Vec<_>>()),
    };
    let bytes = bytes.map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Problem::internal()
    })?;
    Ok(whole(pictures, "application/json", room.hold(bytes)))
}

/// The client has this picture already.
///
/// RFC 9110 (13.1.2) has 304 for `GET` and `HEAD` and 412 for all else, where
/// the precondition guards a change: "do it only if nobody was first". Nothing is
/// changed here; the `POST` only computes, as a `GET` with a body would, and who
/// sends a picture's tag wants to hear "what you have is still it", not a failure.
/// No cache between is misled: none may keep an answer to a `POST` without a
/// lifetime, and ours say `no-store`.
pub fn not_modified() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// Adds the picture's tag.
pub fn tagged(mut response: Response, key: &Key) -> Response {
    insert(response.headers_mut(), header::ETAG, &key.tag());
    response
}

/// Which model drew it, and where the time went: of several, in all.
fn describe(headers: &mut HeaderMap, pictures: &[Drawn]) {
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    let Some(first) = pictures.first() else { return };
    let sums = first.stages.all().into_iter().enumerate().map(|(stage, (name, _))| {
        let ms: f64 = pictures.iter().map(|drawn| drawn.stages.all()[stage].1.as_secs_f64() * 1e3).sum();
        format!("{name};dur={ms:.1}")
    });
    insert(headers, SERVER_TIMING, &sums.collect::<Vec<_>>().join(", "));
    insert(headers, MODEL, &first.model);
    insert(headers, WEIGHTS, &first.weights);
}

/// A header whose value may hold what no header may: then it is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
