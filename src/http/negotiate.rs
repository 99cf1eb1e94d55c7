//! Which format an answer has: the parameter `format`, else the header
//! `Accept` (RFC 9110, 12.5.1), else the photo's own, else PNG.

use axum::http::{HeaderMap, header};

use super::problem::Problem;
use crate::imaging::{EncodeError, Format, Quality};

/// The formats that we write; of equally welcome ones the last is taken.
const WRITTEN: [Format; 3] = [Format::WebP, Format::Jpeg, Format::Png];

/// The answer's format. An `Accept` that allows none of ours is disregarded, as
/// the RFC permits: a picture in another format serves better than none.
pub fn format(asked: Option<Format>, headers: &HeaderMap, own: Format) -> Format {
    asked.or_else(|| accepted(headers, own)).unwrap_or(own_or_png(own))
}

/// Whether `format` can be had in this quality, before anything is drawn.
///
/// # Errors
/// 400 for a lossless JPEG.
pub fn exact_enough(format: Format, quality: Option<Quality>) -> Result<(), Problem> {
    match (format, quality) {
        (Format::Jpeg, Some(Quality::Lossless)) => Err(EncodeError::Lossy(format).into()),
        _ => Ok(()),
    }
}

/// Whether JSON is more welcome than any picture: a client that takes both
/// alike gets the picture itself.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    let named = ranges.iter().filter(|range| range.kind.eq_ignore_ascii_case("application/json"));
    let json = named.map(|range| range.quality).fold(0.0, f32::max);
    let pictures = WRITTEN.iter().filter_map(|format| Range::best_for(&ranges, *format));
    json > pictures.map(|(_, range)| range.quality).fold(0.0, f32::max)
}

/// Whether the client has what bears this tag, by `If-None-Match` (RFC 9110,
/// 13.1.2: weak tags are as good).
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| opaque(known) == opaque(tag))
}

fn own_or_png(own: Format) -> Format {
    if own.writable() { own } else { Format::Png }
}

/// The most welcome format by `Accept`: the highest quality; among equals one
/// that is named rather than covered by a `*`, then the photo's own, then the
/// first named. None without a preference.
fn accepted(headers: &HeaderMap, own: Format) -> Option<Format> {
    let ranges = ranges(headers);
    let own = own_or_png(own);
    WRITTEN
        .into_iter()
        .filter_map(|format| {
            let (place, range) = Range::best_for(&ranges, format)?;
            let named = range.precision == 2;
            (range.quality > 0.0).then_some((format, (range.quality, named, format == own, std::cmp::Reverse(place))))
        })
        .max_by(|(_, a), (_, b)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal))
        .map(|(format, _)| format)
}

/// The media ranges of `Accept`, in their order.
fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect()
}

/// One media range of an `Accept` header.
struct Range<'a> {
    kind: &'a str,
    quality: f32,
    /// 0 for `*/*`, 1 for `image/*`, 2 for a full type.
    precision: u8,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| !kind.is_empty())?;
        let precision = match kind {
            "*/*" => 0,
            kind if kind.ends_with("/*") => 1,
            _ => 2,
        };
        let quality = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(Some(1.0), |(_, value)| value.trim().parse().ok())?;
        Some(Self { kind, quality, precision })
    }

    /// The most precise range that covers `format`, and its place.
    fn best_for<'r>(ranges: &'r [Range<'a>], format: Format) -> Option<(usize, &'r Range<'a>)> {
        ranges.iter().enumerate().filter(|(_, range)| range.covers(format)).max_by_key(|(_, range)| range.precision)
    }

    fn covers(&self, format: Format) -> bool {
        match self.precision {
            0 => true,
            1 => self.kind.eq_ignore_ascii_case("image/*"),
            _ => self.kind.eq_ignore_ascii_case(format.media_type()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use Format::{Gif, Jpeg, Png, WebP};

    #[test]
    fn json_is_for_those_who_prefer_it() {
        for (accept, expected) in [
            ("application/json", true),
            ("APPLICATION/JSON; q=0.5", true),
            ("application/json, */*;q=0.1", true),
            ("application/json, text/plain, */*", false),
            ("application/json;q=0.5, image/png", false),
            ("application/json;q=0", false),
            ("*/*", false),
            ("text/html", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(wants_json(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn the_answer_follows_the_parameter_then_accept_then_the_photo() {
        const FIREFOX: &str = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
        for (asked, accept, own, expected) in [
            (Some(WebP), Some("image/png"), Jpeg, WebP),
            (None, None, Jpeg, Jpeg),
            (None, None, Gif, Png),
            (None, Some("*/*"), Jpeg, Jpeg),
            (None, Some("*/*"), Gif, Png),
            (None, Some("image/*"), WebP, WebP),
            (None, Some("image/png"), Jpeg, Png),
            (None, Some("IMAGE/PNG"), Jpeg, Png),
            (None, Some("image/png;q=0.5, image/webp;q=0.9"), Jpeg, WebP),
            (None, Some("image/png, image/jpeg"), Jpeg, Jpeg),
            (None, Some("image/webp, */*;q=0.5"), Jpeg, WebP),
            (None, Some("image/jpeg;q=0, */*"), Jpeg, Png),
            (None, Some(FIREFOX), Jpeg, WebP),
            (None, Some("text/html"), Jpeg, Jpeg),
            (None, Some("image/avif"), Gif, Png),
            (None, Some("nonsense;q=x,,;"), Png, Png),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(format(asked, &headers, own), expected, "{asked:?} {accept:?} {own:?}");
        }
    }
}
