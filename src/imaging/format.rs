//! Which kind of picture some bytes are, told by their first bytes only:
//! names and declared types are what the sender says, not what the file is.

/// A format that we read; JPEG, PNG and WebP are also written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, and the first picture of an MPO.
    Jpeg,
    /// PNG, and the default image of an APNG.
    Png,
    /// WebP, and the first frame of an animated one.
    WebP,
    /// The first frame of a GIF.
    Gif,
    /// Windows bitmap.
    Bmp,
}

impl Format {
    /// The format of a file that begins with `bytes`; `None` if we don't read it.
    pub fn sniff(bytes: &[u8]) -> Option<Format> {
        if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Some(Format::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Format::Png)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Format::WebP)
        } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            Some(Format::Gif)
        } else if bytes.starts_with(b"BM") && has_bitmap_header(bytes) {
            Some(Format::Bmp)
        } else {
            None
        }
    }

    /// The media type, as in `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::WebP => "image/webp",
            Format::Gif => "image/gif",
            Format::Bmp => "image/bmp",
        }
    }

    /// The usual file extension, without its dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Jpeg => "jpg",
            Format::Png => "png",
            Format::WebP => "webp",
            Format::Gif => "gif",
            Format::Bmp => "bmp",
        }
    }

    /// Whether [`encode`](super::encode) writes it.
    pub fn writable(self) -> bool {
        matches!(self, Format::Jpeg | Format::Png | Format::WebP)
    }

    /// The format that a parameter (`png`, `jpeg`, `webp`) or a file extension
    /// names, whatever its case.
    pub fn from_name(name: &str) -> Option<Format> {
        match name.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" | "mpo" => Some(Format::Jpeg),
            "png" | "apng" => Some(Format::Png),
            "webp" => Some(Format::WebP),
            "gif" => Some(Format::Gif),
            "bmp" | "dib" => Some(Format::Bmp),
            _ => None,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::WebP => "WebP",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
        })
    }
}

/// Text may begin with "BM" too: the size of the header that follows tells.
fn has_bitmap_header(bytes: &[u8]) -> bool {
    matches!(bytes.get(14..18), Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// What a file is that we don't read, and what its owner can do.
pub(super) fn describe_unread(bytes: &[u8]) -> (&'static str, &'static str) {
    const ANY: &str = "save the picture as one of these";
    const PHONE: &str = "save or share it as JPEG \
        (on an iPhone: Settings, Camera, Formats, Most Compatible)";
    if bytes.is_empty() {
        return ("an empty file", ANY);
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return match bytes.get(8..12) {
            Some(b"avif" | b"avis") => ("an AVIF picture", ANY),
            Some(b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1") => {
                ("a HEIC picture", PHONE)
            }
            _ => ("a video or another ISO media file", "send a picture"),
        };
    }
    let kinds: [(&[u8], &str); 9] = [
        (b"II*\0", "a TIFF or camera raw picture"),
        (b"MM\0*", "a TIFF or camera raw picture"),
        (b"\xFF\x0A", "a JPEG XL picture"),
        (b"\0\0\0\x0CJXL ", "a JPEG XL picture"),
        (b"\0\0\0\x0CjP  ", "a JPEG 2000 picture"),
        (b"8BPS", "a Photoshop document"),
        (b"%PDF", "a PDF document"),
        (b"\0\0\x01\0", "an icon"),
        (b"<svg", "an SVG drawing"),
    ];
    let found = kinds.iter().find(|(magic, _)| bytes.starts_with(magic));
    (found.map_or("not a picture that we know", |k| k.1), ANY)
}
