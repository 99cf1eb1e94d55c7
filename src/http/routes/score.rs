//! `POST /v1/score`: a photo and a drawing of it in, how real each patch of the
//! drawing looks out: a heat map, or numbers.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;

use crate::engine::{SCORED_SIDE, Score};
use crate::http::intake::PHOTO;
use crate::http::problem::Problem;
use crate::http::{Service, body, drawing, intake, multipart, negotiate};
use crate::imaging::{self, Format, Picture, resize};

/// The form's field that holds the drawing.
const DRAWING: &str = "picture";
/// The form's field, or the query's parameter, that names the judge.
const MODEL: &str = "model";

const REALISM: HeaderName = HeaderName::from_static("x-sakuga-realism");

/// Judges the drawing in the form.
///
/// # Errors
/// Every [`Problem`].
pub async fn score(State(service): State<Service>, request: Request) -> Result<Response, Problem> {
    let ticket = service.engine.enter()?;
    let (head, body) = request.into_parts();
    let model = crate::http::params::from_query(&head.uri)?;
    let boundary = multipart::boundary(&head.headers)?
        .ok_or_else(|| Problem::malformed(format!("send a form with the fields `{PHOTO}` and `{DRAWING}`")))?;
    let upload = body::receive(&head.headers, body, &service.limits, &service.memory).await?;
    let Form { photo, drawing, model } = Form::read(&upload.bytes, &boundary, model)?;
    let upload = Arc::new(upload);
    let (photo, drawing) = (intake::photo(photo, &upload)?, intake::photo(drawing, &upload)?);
    drop(upload);

    let place = ticket.admit(u64::from(SCORED_SIDE).pow(2))?;
    // One after the other, each fitted before the next: a request that holds
    // room never waits for more while it holds all.
    let photo = small(&service, photo).await?;
    let drawing = small(&service, drawing).await?;
    let score = place.score(model.as_deref(), photo, drawing).await?;
    let mean = score.mean();
    let mut response = match negotiate::wants_json(&head.headers) {
        true => numbers(&score),
        false => {
            let (map, _) = drawing::timed(move || imaging::encode(&map(&score), Format::Png, None)).await?;
            ([(header::CONTENT_TYPE, Format::Png.media_type())], Body::from(map?)).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if let Ok(mean) = HeaderValue::from_str(&format!("{mean:.4}")) {
        headers.insert(REALISM, mean);
    }
    Ok(response)
}

/// The fields of the form.
struct Form {
    photo: Bytes,
    drawing: Bytes,
    model: Option<String>,
}

impl Form {
    fn read(body: &Bytes, boundary: &str, query: Vec<(String, String)>) -> Result<Self, Problem> {
        let query = query.into_iter().map(|(name, value)| (name, Bytes::from(value)));
        let parts = multipart::parse(body, boundary)?.into_iter().map(|part| (part.name, part.data));
        let (mut photo, mut drawing, mut model) = (None, None, None);
        for (name, data) in query.chain(parts) {
            let field = match name.as_str() {
                PHOTO => &mut photo,
                DRAWING => &mut drawing,
                MODEL => &mut model,
                _ => {
                    return Err(Problem::bad_parameter(format!(
                        "the form's fields are `{PHOTO}`, `{DRAWING}` and `{MODEL}`"
                    )));
                }
            };
            if field.replace(data).is_some() {
                return Err(Problem::bad_parameter(format!("`{name}` is given twice; give it once")));
            }
        }
        let missing = |name| Problem::malformed(format!("the form has no field `{name}`"));
        let model = model.map(|model| String::from_utf8(model.to_vec())).transpose();
        Ok(Self {
            photo: photo.ok_or_else(|| missing(PHOTO))?,
            drawing: drawing.ok_or_else(|| missing(DRAWING))?,
            model: model.map_err(|_| Problem::bad_parameter("`model` is not UTF-8"))?,
        })
    }
}

/// The picture, as small as it is judged.
async fn small(service: &Service, photo: intake::Photo) -> Result<Picture, Problem> {
    let (decoded, _room, _) = drawing::decode(service, photo, Some(SCORED_SIDE)).await?;
    Ok(decoded.picture)
}

fn numbers(score: &Score) -> Response {
    let rows: Vec<&[f32]> = score.patches.chunks(score.width.max(1)).collect();
    Json(json!({
        "model": score.model,
        "mean": score.mean(),
        "width": score.width,
        "height": score.height,
        "patches": rows,
    }))
    .into_response()
}

/// The patches as grey, white real, at the size of what was judged.
fn map(score: &Score) -> Picture {
    let rgb = score.patches.iter().flat_map(|real| [(real * 255.0).round() as u8; 3]).collect();
    let patches = Picture { width: score.width as u32, height: score.height as u32, rgb, alpha: None };
    resize::to(&patches, score.size.0, score.size.1)
}
