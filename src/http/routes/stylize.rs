//! `POST /v1/stylize`: a photo in, a drawing out; several photos, a zip.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::http::drawing::{self, Drawn, Order};
use crate::http::flights::Key;
use crate::http::intake::{self, Intake, Photo};
use crate::http::memory::Reservation;
use crate::http::params::Parameters;
use crate::http::problem::Problem;
use crate::http::{Service, answer, negotiate};
use crate::models::Card;

/// Draws the photos in the body.
///
/// # Errors
/// Every [`Problem`]; the cheap ones first, so that nothing is decoded in vain.
pub async fn stylize(State(service): State<Service>, request: Request) -> Result<Response, Problem> {
    let ticket = service.engine.enter()?;
    let catalog = ticket.catalog();
    let Intake { photos, parameters, headers } = intake::receive(&service, &catalog, request).await?;
    let settings = parameters.settings();
    let card = catalog.card(settings.model)?.clone();
    let mut orders = order(photos, parameters.clone(), headers.clone(), card).await?;

    for order in &orders {
        negotiate::exact_enough(order.format, parameters.quality)?;
    }
    let several = orders.len() > 1;
    let json = negotiate::wants_json(&headers);
    // The tag is the picture's own, not that of what it is wrapped in.
    let tag = orders.first().map(|order| order.key).filter(|_| !several && !json);
    if let Some(key) = tag.filter(|key| negotiate::is_known(&headers, &key.tag())) {
        return Ok(answer::tagged(answer::not_modified(), &key));
    }

    // All of a request's pictures have one place, and draw one after another.
    let mut pixels = 0;
    for order in &orders {
        pixels += catalog.pixels(settings, order.photo.size)?;
    }
    let mut pictures = Vec::with_capacity(orders.len());
    if several {
        let place = ticket.admit(pixels)?;
        for (number, order) in (1..).zip(orders) {
            let drawn = drawing::draw(&service, order, || Ok(place.clone())).await;
            pictures.push(drawn.map_err(|problem| problem.of_photo(number))?);
        }
    } else {
        // Who joins a drawing under way needs no place.
        let place = || Ok(ticket.admit(pixels)?);
        let order = orders.pop().ok_or_else(Problem::internal)?;
        pictures.push(drawing::draw(&service, order, place).await?);
    }
    let response = if json {
        packed(&service, pictures, answer::json).await?
    } else if several {
        packed(&service, pictures, answer::archive).await?
    } else {
        pictures.pop().map(answer::picture).ok_or_else(Problem::internal)?
    };
    Ok(match tag {
        Some(key) => answer::tagged(response, &key),
        None => response,
    })
}

/// What each photo becomes. A key reads its whole photo: work for the blocking pool.
async fn order(
    photos: Vec<Photo>,
    parameters: Parameters,
    headers: HeaderMap,
    card: Card,
) -> Result<Vec<Order>, Problem> {
    let order = move |photo: Photo| {
        let format = negotiate::format(parameters.format, &headers, photo.format);
        let key = Key::new(&photo.bytes, &parameters, format, &card);
        Order { photo, parameters: parameters.clone(), format, key }
    };
    let (orders, _) = drawing::timed(move || photos.into_iter().map(order).collect()).await?;
    Ok(orders)
}

/// The pictures in one answer, which takes room for its own copy of them.
async fn packed(
    service: &Service,
    pictures: Vec<Drawn>,
    pack: fn(&[Drawn], Reservation) -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    // In base64 a picture grows by a third, and is written twice.
    let bytes: usize = pictures.iter().map(|drawn| drawn.bytes.len() * 3).sum();
    let room = service.memory.pictures(bytes).await?;
    drawing::timed(move || pack(&pictures, room)).await?.0
}
