//! Which format an answer has: the parameter `format`, else the header
//! `Accept` (RFC 9110, 12.5.1), else the photo's own, else PNG.

use axum::http::{HeaderMap, header};

use crate::imaging::Format;

/// The formats that we write; of equally welcome ones the last is taken.
const WRITTEN: [Format; 3] = [Format::WebP, Format::Jpeg, Format::Png];

/// The answer's format. An `Accept` that allows none of ours is disregarded, as
/// the RFC permits: a picture in another format serves better than none.
pub fn format(asked: Option<Format>, headers: &HeaderMap, own: Format) -> Format {
    asked.or_else(|| accepted(headers, own)).unwrap_or(own_or_png(own))
}

fn own_or_png(own: Format) -> Format {
    if own.writable() { own } else { Format::Png }
}

/// The most welcome format by `Accept`: the highest quality; among equals one
/// that is named rather than covered by a `*`, then the photo's own, then the
/// first named. None without a preference.
fn accepted(headers: &HeaderMap, own: Format) -> Option<Format> {
    let ranges: Vec<Range<'_>> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
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
