//! Every request has an id: the client's where it is sane, else a new UUID v7
//! (RFC 9562). The answer carries it, and a [`Problem`] is written out with it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::http::problem::Problem;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a client.
const MAX_LENGTH: usize = 128;

/// The id of a request, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Names the request, and writes its problem out if it has one.
pub async fn request_id(mut request: Request, next: Next) -> Response {
    let RequestId(id) = from_client(request.headers()).unwrap_or_else(new);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(&id, response);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn new() -> RequestId {
    RequestId(Uuid::now_v7().to_string())
}

/// The client's own id, if it is harmless in logs and headers.
fn from_client(headers: &HeaderMap) -> Option<RequestId> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(sane)).then(|| RequestId(id.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_sane_id_is_taken_over() {
        let taken = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, id.parse().unwrap());
            from_client(&headers).map(|RequestId(id)| id)
        };
        assert_eq!(taken("order-7_b.2").as_deref(), Some("order-7_b.2"));
        for id in ["", "a b", "a\"b", "a/../b", "{}", &"x".repeat(129)] {
            assert_eq!(taken(id), None, "{id}");
        }
    }
}
