//! `GET /v1/models` and `GET /v1/models/{name}`: the cards.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::engine::EngineError;
use crate::http::Service;
use crate::http::problem::Problem;
use crate::models::Card;

/// All cards, and which is the default.
pub async fn list(State(service): State<Service>) -> Json<Value> {
    let catalog = service.engine.catalog();
    let default = catalog.card(None).ok().map(|card| &card.name);
    let models: Vec<&Card> = catalog.cards().collect();
    Json(json!({ "default": default, "models": models }))
}

/// One card.
///
/// # Errors
/// 404 for an unknown name, 400 for one that is not UTF-8.
pub async fn one(
    State(service): State<Service>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Card>, Problem> {
    let Path(name) = name.map_err(|_| Problem::malformed("the model's name in the address is not UTF-8"))?;
    match service.engine.catalog().card(Some(&name)) {
        Ok(card) => Ok(Json(card.clone())),
        Err(error @ EngineError::UnknownModel { .. }) => Err(Problem::not_found(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
