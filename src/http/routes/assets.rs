//! `GET /` and everything under `static/`: the page, from inside the binary.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::negotiate;
use crate::http::problem::Problem;

#[derive(RustEmbed)]
#[folder = "static/"]
#[allow_missing = true]
struct Assets;

/// The file at the address, else 404.
///
/// # Errors
/// 404 where no file is, 405 where one is and the method is not GET or HEAD.
pub async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        "docs" => "docs.html",
        path => path,
    };
    let file = Assets::get(path).ok_or_else(|| {
        Problem::not_found("nothing is at this address; the page is at `/`, the models at `/v1/models`")
    })?;
    if method != Method::GET && method != Method::HEAD {
        return Ok(([(header::ALLOW, "GET, HEAD")], Problem::method_not_allowed()).into_response());
    }
    Ok(answer(path, file, &headers))
}

/// The file, or 304 where the browser has it: it asks each time (`no-cache`),
/// so a new version is seen at once.
fn answer(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let mut response = match negotiate::is_known(headers, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, media_type(path))], Body::from(file.data)).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
