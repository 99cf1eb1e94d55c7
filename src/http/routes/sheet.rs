//! `POST /v1/sheet`: the photo and every style of a model, on one sheet.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::http::drawing;
use crate::http::intake::{self, Intake};
use crate::http::params::Parameters;
use crate::http::problem::Problem;
use crate::http::{Service, negotiate};
use crate::imaging::{self, EncodeError, Provenance, grid};

/// The longest side of a cell, in pixels: by default, and at most.
const SIDE: u32 = 384;
const MOST: u32 = 512;

const STYLES: HeaderName = HeaderName::from_static("x-sakuga-styles");

/// Draws the photo in the body in every style.
///
/// # Errors
/// Every [`Problem`].
pub async fn sheet(State(service): State<Service>, request: Request) -> Result<Response, Problem> {
    let ticket = service.engine.enter()?;
    let catalog = ticket.catalog();
    let Intake { mut photos, parameters, headers } = intake::receive(&service, &catalog, request).await?;
    let (Some(photo), true) = (photos.pop(), photos.is_empty()) else {
        return Err(Problem::malformed("a sheet shows one photo; send them one after the other"));
    };
    let side = side(&parameters)?;
    let parameters = Parameters { max_side: Some(side), ..parameters };
    let card = catalog.card(parameters.model.as_deref())?;
    let styles = card.styles.clone();
    let pixels = catalog.pixels(parameters.settings(), photo.size)?;
    let place = ticket.admit(pixels * styles.len() as u64)?;

    let format = negotiate::format(parameters.format, &headers, photo.format);
    negotiate::exact_enough(format, parameters.quality)?;
    let (decoded, room, _) = drawing::decode(&service, photo, Some(side)).await?;
    drop(room);
    let small = decoded.picture;
    let mut cells = vec![small.clone()];
    for style in &styles {
        let parameters = Parameters { style: Some(style.clone()), ..parameters.clone() };
        let prepared = place.clone().prepare(parameters.into_job(small.clone())).await?;
        cells.push(prepared.draw().await?.picture);
    }
    let quality = parameters.quality.unwrap_or_default();
    let weights = card.weights.generator.sha256.clone();
    let provenance = Provenance { model: card.name.clone(), weights, parameters: parameters.told() };
    let columns = cells.len().isqrt() + usize::from(cells.len().isqrt().pow(2) < cells.len());
    let encode = move || {
        grid::grid(&cells, columns).map(|sheet| {
            let file = imaging::encode(&sheet, format, quality)?;
            Ok::<_, EncodeError>(provenance.mark(file, format, &sheet))
        })
    };
    let bytes = drawing::timed(encode).await?.0.ok_or_else(Problem::internal)??;
    let mut response = ([(header::CONTENT_TYPE, format.media_type())], Body::from(bytes)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if let Ok(styles) = HeaderValue::from_str(&styles.join(",")) {
        headers.insert(STYLES, styles);
    }
    Ok(response)
}

fn side(parameters: &Parameters) -> Result<u32, Problem> {
    if parameters.style.is_some() || parameters.original_size {
        return Err(Problem::bad_parameter("a sheet has every style and its own size: leave `style` and `size` out"));
    }
    match parameters.max_side.unwrap_or(SIDE) {
        side if side > MOST => Err(Problem::bad_parameter(format!("`max_side` of a sheet goes from 1 to {MOST}"))),
        side => Ok(side),
    }
}
