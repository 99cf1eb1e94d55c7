//! An HTTP/1.1 request names its host exactly once (RFC 9112, 3.2).

use axum::extract::Request;
use axum::http::{Version, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::problem::Problem;

/// Refuses a request without a `Host`, or with two.
pub async fn host(request: Request, next: Next) -> Result<Response, Problem> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() >= Version::HTTP_11) {
        return Err(Problem::malformed("an HTTP/1.1 request has exactly one `Host` header"));
    }
    Ok(next.run(request).await)
}
