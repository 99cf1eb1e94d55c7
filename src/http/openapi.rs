//! The contract as an OpenAPI 3.1 document. A test holds it against the router.

use serde_json::{Value, json};

use super::Limits;
use super::intake::PHOTO;
use super::params::NAMES;
use crate::engine::MAX_SIDE;

/// The document of a service with these limits.
pub fn document(limits: &Limits) -> Value {
    let [stylize, score, sheet] = [stylize(limits), score(limits), sheet(limits)];
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sakuga",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A photo goes in, an anime-styled picture comes out.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": {
            "/v1/stylize": { "post": stylize },
            "/v1/score": { "post": score },
            "/v1/sheet": { "post": sheet },
            "/v1/models": { "get": get("listModels", "The models' cards, and which is the default", json_answer()) },
            "/v1/models/{name}": { "get": with(
                get("getModel", "One model's card", json_answer()),
                json!([{ "name": "name", "in": "path", "required": true, "schema": text() }]),
            ) },
            "/v1/models:reload": { "post": get("reloadModels", "Read the models again; only where the service has keys", json_answer()) },
            "/livez": { "get": get("live", "The process lives", json_answer()) },
            "/readyz": { "get": get("ready", "It has drawn on its device and is not stopping", json_answer()) },
            "/v2/health/live": { "get": get("liveV2", "As /livez, for the Open Inference Protocol", json_answer()) },
            "/v2/health/ready": { "get": get("readyV2", "As /readyz, for the Open Inference Protocol", json_answer()) },
            "/metrics": { "get": get("metrics", "The service in numbers, for Prometheus", content("text/plain", text())) },
            "/openapi.json": { "get": get("openapi", "This document", json_answer()) },
        },
        "components": {
            "schemas": { "Problem": problem() },
            "responses": { "Problem": {
                "description": "What is wrong, and what to do (RFC 9457); 429 and 503 say when to ask again",
                "headers": { "Retry-After": { "schema": { "type": "integer", "minimum": 1 }, "description": "Seconds" } },
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            } },
        },
    })
}

fn stylize(limits: &Limits) -> Value {
    let fields: serde_json::Map<String, Value> = NAMES.iter().map(|name| ((*name).to_owned(), schema(name))).collect();
    let mut form = fields.clone();
    form.insert(
        PHOTO.to_owned(),
        json!({ "type": "array", "items": binary(), "minItems": 1, "maxItems": limits.max_photos }),
    );
    let inference = json!({
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": { "type": "string", "description": "The photo in base64, or a data URL" },
            "parameters": { "type": "object", "properties": fields },
        },
    });
    let picture = json!({
        "type": "object",
        "required": ["image", "media_type", "width", "height", "model", "weights", "timings"],
        "properties": {
            "image": { "type": "string", "contentEncoding": "base64" },
            "media_type": text(), "width": count(), "height": count(), "model": text(), "weights": text(),
            "timings": { "type": "object", "additionalProperties": { "type": "number" }, "description": "Milliseconds" },
        },
    });
    let query: Vec<Value> =
        NAMES.iter().map(|name| json!({ "name": name, "in": "query", "schema": schema(name) })).collect();
    json!({
        "operationId": "stylize",
        "summary": "Draw a photo, or several of a form into a zip",
        "description": format!("The body holds at most {}, a photo at most {} pixels.", limits.max_body, limits.max_pixels),
        "parameters": query,
        "requestBody": { "required": true, "content": {
            "multipart/form-data": { "schema": { "type": "object", "required": [PHOTO], "properties": form } },
            "application/json": { "schema": inference },
            "image/*": { "schema": binary() },
        } },
        "responses": answers(json!({
            "image/png": { "schema": binary() },
            "image/jpeg": { "schema": binary() },
            "image/webp": { "schema": binary() },
            "application/zip": { "schema": binary() },
            "application/json": { "schema": { "oneOf": [picture, { "type": "array", "items": picture }] } },
        })),
    })
}

fn score(limits: &Limits) -> Value {
    json!({
        "operationId": "score",
        "summary": "Judge how real a drawing of a photo looks, patch by patch",
        "description": format!("The body holds at most {}.", limits.max_body),
        "parameters": [{ "name": "model", "in": "query", "schema": text() }],
        "requestBody": { "required": true, "content": { "multipart/form-data": { "schema": {
            "type": "object",
            "required": [PHOTO, "picture"],
            "properties": { PHOTO: binary(), "picture": binary(), "model": text() },
        } } } },
        "responses": answers(json!({
            "image/png": { "schema": binary() },
            "application/json": { "schema": {
                "type": "object",
                "required": ["model", "mean", "width", "height", "patches"],
                "properties": {
                    "model": text(),
                    "mean": share(),
                    "width": count(),
                    "height": count(),
                    "patches": { "type": "array", "items": { "type": "array", "items": share() } },
                },
            } },
        })),
    })
}

fn sheet(limits: &Limits) -> Value {
    let mut operation = stylize(limits);
    operation["operationId"] = json!("sheet");
    operation["summary"] = json!("Draw a photo in every style of a model, on one sheet; without `style` and `size`");
    if let Some(content) = operation["responses"]["200"]["content"].as_object_mut() {
        content.retain(|kind, _| kind.starts_with("image/"));
    }
    operation
}

/// A parameter's values.
fn schema(name: &str) -> Value {
    match name {
        "strength" => {
            json!({ "type": "number", "minimum": 0, "maximum": 1, "default": 1, "description": "0 the photo, 1 the drawing" })
        }
        "seed" => json!({ "type": "integer", "minimum": 0, "description": "For models that draw with chance" }),
        "max_side" => {
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_SIDE, "description": "The longest side that the network sees, in pixels" })
        }
        "size" => json!({ "const": "original", "description": "The picture comes back at the photo's own size" }),
        "format" => json!({ "enum": ["png", "jpeg", "webp"], "description": "Else by Accept, else the photo's own" }),
        "quality" => json!({
            "oneOf": [{ "type": "integer", "minimum": 1, "maximum": 100 }, { "const": "lossless" }],
            "description": "1 to 100 for JPEG and WebP; lossless for PNG and WebP",
        }),
        _ => text(),
    }
}

fn get(id: &str, summary: &str, content: Value) -> Value {
    json!({ "operationId": id, "summary": summary, "responses": answers(content) })
}

fn with(mut operation: Value, parameters: Value) -> Value {
    operation["parameters"] = parameters;
    operation
}

fn answers(content: Value) -> Value {
    json!({
        "200": { "description": "As asked", "content": content },
        "default": { "$ref": "#/components/responses/Problem" },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": text(),
            "title": text(),
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What to do; the limit in force" },
            "instance": { "type": "string", "description": "The request's id, as in X-Request-Id" },
        },
    })
}

fn json_answer() -> Value {
    content("application/json", json!({ "type": "object" }))
}

fn content(kind: &str, schema: Value) -> Value {
    json!({ kind: { "schema": schema } })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn binary() -> Value {
    json!({ "type": "string", "format": "binary" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}

fn share() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 1 })
}
