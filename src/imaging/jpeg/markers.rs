//! A JPEG's markers (T.81, annex B).

use memchr::memchr;

/// What the markers of a file's first picture say.
#[derive(Default)]
pub(in crate::imaging) struct Walk {
    /// Where the end-of-image marker begins.
    pub end: Option<usize>,
    pub progressive: bool,
    pub scans: usize,
}

/// Walks from marker to marker up to the end of the first picture: what
/// follows it, in an MPO or a phone's motion photo, is not ours.
pub(in crate::imaging) fn walk(bytes: &[u8]) -> Walk {
    let mut found = Walk::default();
    let mut segments = Segments::new(bytes);
    for Segment { marker, .. } in segments.by_ref() {
        found.progressive |= marker == 0xC2;
        found.scans += usize::from(marker == 0xDA);
    }
    found.end = segments.end;
    found
}

/// Width and height of the first frame header.
pub(in crate::imaging) fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    Segments::new(bytes).find_map(|Segment { marker, payload, .. }| of_frame(marker, payload))
}

/// Width and height, if this is a frame header.
fn of_frame(marker: u8, payload: &[u8]) -> Option<(u32, u32)> {
    let is_frame = matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
    let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
    match *payload.get(1..5)? {
        [h1, h0, w1, w0] if is_frame => Some((side(w1, w0), side(h1, h0))),
        _ => None,
    }
}

/// A marker with a length.
pub(super) struct Segment<'a> {
    pub marker: u8,
    /// What the length counts, without itself; shorter where the file ends.
    pub payload: &'a [u8],
    /// Where it ends: for a start of scan, where its data begin.
    pub end: usize,
}

/// The segments up to the end-of-image marker.
pub(super) struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where that marker begins, once it is reached.
    pub end: Option<usize>,
}

impl<'a> Segments<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 2, end: None }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        let bytes = self.bytes;
        while self.end.is_none() {
            // Entropy-coded data, and what careless writers leave between segments.
            self.at += memchr(0xFF, bytes.get(self.at..)?)?;
            while bytes.get(self.at) == Some(&0xFF) {
                self.at += 1;
            }
            let marker = *bytes.get(self.at)?;
            self.at += 1;
            match marker {
                // A stuffed 0xFF, or a marker without a segment.
                0x00 | 0x01 | 0xD0..=0xD8 => {}
                0xD9 => self.end = Some(self.at - 2),
                _ => {
                    let &[high, low] = bytes.get(self.at..self.at + 2)? else { return None };
                    let start = self.at + 2;
                    self.at += usize::from(u16::from_be_bytes([high, low]));
                    let end = self.at.clamp(start, bytes.len().max(start));
                    return Some(Segment { marker, payload: &bytes[start..end], end: self.at });
                }
            }
        }
        None
    }
}
