//! Every error as `application/problem+json` (RFC 9457), and the policy which
//! error is which status.
//!
//! A handler returns a [`Problem`]; it travels as an extension of its response
//! and is written out by [`Problem::render`] at the edge, where the request's
//! id is known. A client's mistake is explained in full; an inner failure is
//! logged and its answer says only where to look.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use super::limits::ByteSize;
use super::server::{MAX_HEAD, MAX_HEADERS};
use crate::engine::EngineError;
use crate::imaging::{DecodeError, EncodeError};

/// How long a client should wait for a service that starts or stops.
const SOON: Duration = Duration::from_secs(2);

/// An error answer.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    /// The last part of the problem's `type`.
    kind: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
}

/// A problem as it is written.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, kind, title, detail: detail.into(), retry_after: None }
    }

    /// 400: the request itself is wrong.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request is malformed", detail)
    }

    /// 400: a parameter is unknown, out of range or given twice.
    pub fn bad_parameter(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-parameter", "A parameter is wrong", detail)
    }

    /// 401: no key, or a wrong one.
    pub fn unauthorized() -> Self {
        let detail = "this service asks for a key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "A key is missing or wrong", detail)
    }

    /// 403: nobody may.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This is not allowed", detail)
    }

    /// 404: nothing is at `path`.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Nothing is here", detail)
    }

    /// 405: the route has no such method.
    pub fn method_not_allowed() -> Self {
        let detail = "this address does not take this method; the header `Allow` names those that it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed", detail)
    }

    /// 408: the body stood still.
    pub fn too_slow(limit: Duration) -> Self {
        let detail = format!("the body made no progress for {} s; send it again", limit.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request came too slowly", detail)
    }

    /// 408: the head did not come.
    pub fn slow_head(limit: Duration) -> Self {
        let detail = format!("the request's headers did not come within {} s", limit.as_secs_f64());
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request came too slowly", detail)
    }

    /// 414: the request line is too long for any route.
    pub fn long_address() -> Self {
        let detail = "the address is too long; parameters can be a form's fields or JSON as well";
        Self::new(StatusCode::URI_TOO_LONG, "long-address", "The address is too long", detail)
    }

    /// 431: too many headers, or too many bytes of them.
    pub fn large_head() -> Self {
        let detail = format!("the headers are over the limit of {MAX_HEADERS} or of {} KiB together", MAX_HEAD >> 10);
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, "large-head", "The headers are too large", detail)
    }

    /// 413: too many bytes.
    pub fn too_large(limit: ByteSize) -> Self {
        let detail = format!("the body is over the limit of {limit}; send a smaller photo");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// 415: bytes that are no picture we read.
    pub fn unsupported(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported", "The format is not supported", detail)
    }

    /// 422: a picture that cannot be decoded, or of too many pixels.
    pub fn undecodable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "undecodable", "The picture cannot be used", detail)
    }

    /// 429: too much at once.
    pub fn busy(detail: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", "The service is busy", detail);
        Self { retry_after: Some(retry_after), ..problem }
    }

    /// 429: this client asks too often.
    pub fn too_often(a_minute: NonZeroU32, retry_after: Duration) -> Self {
        let detail = format!("a client may ask {a_minute} times a minute; wait as `Retry-After` says");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-often", "This client asks too often", detail);
        // Up to whole seconds: earlier there is no turn yet.
        Self { retry_after: Some(retry_after + Duration::from_millis(999)), ..problem }
    }

    /// 500: the models are not renewed; the reason names files and is in the log.
    pub fn not_reloaded() -> Self {
        let detail = "the models could not be read again and stay as they are; the service's log tells why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "not-reloaded", "The models stay as they are", detail)
    }

    /// 503: starting, stopping or broken.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service is not available", detail);
        Self { retry_after: Some(SOON), ..problem }
    }

    /// 500: a failure of ours; the reason belongs into the log.
    pub fn internal() -> Self {
        let detail = "the service failed on this request; its log tells more under the request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The service failed", detail)
    }

    /// The same problem, of one photo among several: its place, from 1.
    pub fn of_photo(self, place: usize) -> Self {
        Self { detail: format!("photo {place}: {}", self.detail).into(), ..self }
    }

    /// What is told to the client.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Writes the problem into `response` (which may carry headers such as
    /// `Allow`), for the request with this id.
    pub fn render(&self, request_id: &str, response: Response) -> Response {
        let mut rendered = (self.status, Json(self.document(request_id))).into_response();
        let headers = rendered.headers_mut();
        for (name, value) in response.headers() {
            if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
                headers.append(name, value.clone());
            }
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        rendered
    }
}

impl Problem {
    /// The whole answer, for a connection that is closed with it: it has no
    /// request that could be named, so that its id is its own.
    pub fn on_the_wire(&self) -> Vec<u8> {
        let id = Uuid::now_v7().to_string();
        // A struct of texts and a number always has a JSON form.
        let body = serde_json::to_string(&self.document(&id)).unwrap_or_default();
        metrics::counter!("sakuga_requests_total", "route" => "/", "method" => "other", "status" => self.status.as_u16().to_string())
            .increment(1);
        tracing::info!(id, status = self.status.as_u16(), "refused at the edge");
        format!(
            "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\nx-request-id: {id}\r\n\
            connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.status,
            body.len(),
        )
        .into_bytes()
    }

    fn document<'a>(&'a self, instance: &'a str) -> Document<'a> {
        Document {
            r#type: format!("urn:sakuga:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            instance,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::Busy { retry_after } => Self::busy(detail, retry_after),
            EngineError::UnknownModel { .. } | EngineError::NoDefault { .. } | EngineError::BadParameter { .. } => {
                Self::bad_parameter(detail)
            }
            EngineError::Starting | EngineError::Draining | EngineError::Unavailable { .. } => {
                Self::unavailable(detail)
            }
            // The reason names files and devices: it is in the engine's log.
            EngineError::Failed(_) => Self::unavailable("the service cannot draw at the moment; its log tells why"),
            EngineError::Reload(_) => Self::not_reloaded(),
            EngineError::Forward(_) => Self::internal(),
        }
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        let detail = error.to_string();
        match error {
            DecodeError::Unsupported { .. } => Self::unsupported(detail),
            _ => Self::undecodable(detail),
        }
    }
}

impl From<EncodeError> for Problem {
    fn from(error: EncodeError) -> Self {
        match error {
            // The format asked for cannot say so many pixels a side, or none exactly.
            EncodeError::TooLarge { .. } | EncodeError::Lossy(_) => Self::bad_parameter(error.to_string()),
            error => {
                tracing::error!(%error, "encoding failed");
                Self::internal()
            }
        }
    }
}
