//! A request's photos and parameters, in whichever form they came: a form, JSON
//! or the photo itself as the body.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;

use super::body::{self, Upload};
use super::params::{self, Parameters};
use super::problem::Problem;
use super::{Service, inference, multipart};
use crate::engine::Catalog;
use crate::imaging::{Format, probe};

/// The form's field that holds a photo; several make several photos.
pub const PHOTO: &str = "image";

/// A photo as it came, and what its header says.
#[derive(Clone)]
pub struct Photo {
    /// The file.
    pub bytes: Bytes,
    /// Its format by its first bytes.
    pub format: Format,
    /// Width and height in pixels, before orientation.
    pub size: (u32, u32),
    /// The room that the body takes, given back with its last photo.
    _upload: Arc<Upload>,
}

/// What a client asks for.
pub struct Intake {
    /// At least one.
    pub photos: Vec<Photo>,
    /// How to draw them.
    pub parameters: Parameters,
    /// The request's headers.
    pub headers: HeaderMap,
}

/// Reads the request whole.
///
/// # Errors
/// The body's own, 400 for what is malformed, 415 and 422 for what is no photo.
pub async fn receive(service: &Service, catalog: &Catalog, request: Request) -> Result<Intake, Problem> {
    let (head, body) = request.into_parts();
    let mut pairs = params::from_query(&head.uri)?;
    let boundary = multipart::boundary(&head.headers)?;
    let mut upload = body::receive(&head.headers, body, &service.limits, &service.memory).await?;
    let files = match boundary {
        Some(boundary) => from_form(&upload.bytes, &boundary, &mut pairs)?,
        None if is_json(&head.headers, &upload.bytes) => {
            // The photo is decoded beside its text.
            upload.grow(upload.bytes.len() / 4 * 3)?;
            vec![inference::read(&upload.bytes, &mut pairs)?]
        }
        None => vec![upload.bytes.clone()],
    };
    if files.len() > service.limits.max_photos {
        let most = service.limits.max_photos;
        return Err(Problem::malformed(format!("{} photos are over the limit of {most} a request", files.len())));
    }
    let parameters = Parameters::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    catalog.check(parameters.settings())?;
    let upload = Arc::new(upload);
    let several = files.len() > 1;
    let photos = files.into_iter().enumerate().map(|(place, bytes)| {
        photo(bytes, &upload).map_err(|problem| if several { problem.of_photo(place + 1) } else { problem })
    });
    Ok(Intake { photos: photos.collect::<Result<_, _>>()?, parameters, headers: head.headers })
}

/// A file of a request, if it is a picture by its header.
///
/// # Errors
/// 400 where it is empty, 415 and 422 where it is no picture.
pub fn photo(bytes: Bytes, upload: &Arc<Upload>) -> Result<Photo, Problem> {
    if bytes.is_empty() {
        return Err(Problem::malformed(format!(
            "there is no photo; send it as the field `{PHOTO}` of a form, as the body itself, or as JSON"
        )));
    }
    let (format, width, height) = probe(&bytes)?;
    Ok(Photo { bytes, format, size: (width, height), _upload: upload.clone() })
}

/// The photos of a form; its other fields join the query's pairs.
fn from_form(body: &Bytes, boundary: &str, pairs: &mut Vec<(String, String)>) -> Result<Vec<Bytes>, Problem> {
    let mut photos = Vec::new();
    for part in multipart::parse(body, boundary)? {
        if part.name == PHOTO {
            photos.push(part.data);
        } else if params::NAMES.contains(&part.name.as_str()) {
            let value = String::from_utf8(part.data.to_vec())
                .map_err(|_| Problem::bad_parameter(format!("`{}` is not UTF-8", part.name)))?;
            pairs.push((part.name, value));
        } else {
            return Err(params::unknown(&part.name));
        }
    }
    match photos.is_empty() {
        false => Ok(photos),
        true => Err(Problem::malformed(format!("the form has no field `{PHOTO}`; it holds the photo"))),
    }
}

/// Declared as JSON; a picture is a picture whatever is declared.
fn is_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") && Format::sniff(body).is_none()
}
