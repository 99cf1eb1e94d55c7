//! `multipart/form-data` (RFC 7578 over RFC 2046, 5.1.1) from a body that has
//! arrived whole: strict, and without a copy of any part.

use axum::http::{HeaderMap, header};
use bytes::Bytes;

use super::problem::Problem;

/// The most bytes that the headers of one part may have.
pub const MAX_PART_HEADERS: usize = 8 << 10;
/// The longest boundary (RFC 2046, 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// One field of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// The field's bytes.
    pub data: Bytes,
}

/// The boundary, where the body is a form.
///
/// # Errors
/// A 400 [`Problem`] for a form without a usable boundary.
pub fn boundary(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    value
        .parse::<mime::Mime>()
        .ok()
        .and_then(|kind| kind.get_param(mime::BOUNDARY).map(|boundary| boundary.as_str().to_owned()))
        .filter(|boundary| (1..=MAX_BOUNDARY).contains(&boundary.len()))
        .map(Some)
        .ok_or_else(|| Problem::malformed("the form's Content-Type names no boundary of 1 to 70 characters"))
}

/// The fields of a form.
///
/// # Errors
/// A 400 [`Problem`] for whatever is not a form with a closing boundary.
pub fn parse(body: &Bytes, boundary: &str) -> Result<Vec<Part>, Problem> {
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = delimiter.as_bytes();
    // The first boundary may stand at the very start, without its line break.
    let mut at = match body.starts_with(&delimiter[2..]) {
        true => delimiter.len() - 2,
        false => find(body, delimiter).ok_or_else(unclosed)? + delimiter.len(),
    };
    let mut parts = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        // Blanks may pad a boundary's line.
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !rest[padding..].starts_with(b"\r\n") {
            return Err(unclosed());
        }
        // The line break that ends the boundary's line also stands for the
        // empty line of a part without headers.
        let start = at + padding;
        let window = &body[start..body.len().min(start + MAX_PART_HEADERS + 4)];
        let Some(end) = find(window, b"\r\n\r\n") else {
            return Err(match window.len() > MAX_PART_HEADERS {
                true => Problem::malformed("the headers of a form's part are over the limit of 8 KiB"),
                false => unclosed(),
            });
        };
        let name = name(&window[..end])?;
        let data = start + end + 4;
        // A part may be empty: its closing boundary then shares the line break.
        let length = find(&body[data - 2..], delimiter).ok_or_else(unclosed)?;
        parts.push(Part { name, data: body.slice(data..data.max(data - 2 + length)) });
        at = data - 2 + length + delimiter.len();
    }
}

fn unclosed() -> Problem {
    Problem::malformed("the form is cut off: its closing boundary is missing")
}

/// The field's name, from the headers of a part.
fn name(headers: &[u8]) -> Result<String, Problem> {
    let text =
        std::str::from_utf8(headers).map_err(|_| Problem::malformed("the headers of a form's part are not UTF-8"))?;
    text.split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .and_then(|(_, value)| value.trim().strip_prefix("form-data"))
        .and_then(|parameters| parameter(parameters, "name"))
        .ok_or_else(|| Problem::malformed("a part of the form has no `Content-Disposition: form-data; name=\"…\"`"))
}

/// A parameter of a header: `; name="value"` or `; name=value`.
fn parameter(mut text: &str, wanted: &str) -> Option<String> {
    loop {
        text = text.trim_start().strip_prefix(';')?.trim_start();
        let (name, rest) = text.split_once('=')?;
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(';').unwrap_or(rest.len());
                (rest[..end].trim_end().to_owned(), &rest[end..])
            }
        };
        if name.trim_end().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        text = after;
    }
}

/// A quoted string up to its closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// The place of `needle`, by Horspool's skips (1980): a boundary's forty bytes
/// are looked for at a fortieth of the places.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let last = needle.len() - 1;
    let mut skip = [needle.len(); 256];
    for (at, byte) in needle[..last].iter().enumerate() {
        skip[usize::from(*byte)] = last - at;
    }
    let mut at = 0;
    while at + last < haystack.len() {
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        at += skip[usize::from(haystack[at + last])];
    }
    None
}

#[cfg(test)]
mod tests;
