//! Where a picture comes from, written into its file: an XMP packet (ISO
//! 16684-1) that says by IPTC's digital source type that it was generated, and
//! with what. Nothing in it is the photo's, the time's or the requester's, so that
//! the same picture stays the same bytes.

use super::{Format, Picture};

/// "Created using generative AI", in IPTC's NewsCodes.
const SOURCE_TYPE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// What drew a picture, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// The model's name.
    pub model: String,
    /// The SHA-256 of its weights, in hexadecimal.
    pub weights: String,
    /// What was asked for, by name.
    pub parameters: Vec<(&'static str, String)>,
}

impl Provenance {
    /// The file of `picture`, in `format`, with this in its metadata. A file
    /// that is none of ours comes back as it is.
    pub fn mark(&self, file: Vec<u8>, format: Format, picture: &Picture) -> Vec<u8> {
        let xmp = self.xmp();
        let marked = match format {
            Format::Png => png(&file, &xmp),
            Format::Jpeg => jpeg(&file, &xmp),
            Format::WebP => webp(&file, &xmp, picture),
            Format::Gif | Format::Bmp => None,
        };
        marked.unwrap_or(file)
    }

    fn xmp(&self) -> String {
        let asked = self.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        let asked = asked.collect::<Vec<_>>().join(" ");
        format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
            <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
            <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
            <rdf:Description rdf:about=\"\" \
            xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
            xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" \
            xmlns:sakuga=\"urn:sakuga:xmp:\" \
            xmp:CreatorTool=\"Sakuga {version}\" \
            Iptc4xmpExt:DigitalSourceType=\"{SOURCE_TYPE}\" \
            sakuga:model=\"{model}\" sakuga:weights=\"{weights}\" sakuga:parameters=\"{asked}\"/>\
            </rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>",
            version = env!("CARGO_PKG_VERSION"),
            model = escaped(&self.model),
            weights = escaped(&self.weights),
            asked = escaped(&asked),
        )
    }
}

/// Text within an attribute (XML 1.0, 2.4); what no XML can hold is left out.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '"' => xml.push_str("&quot;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {}
            character => xml.push(character),
        }
    }
    xml
}

/// An `iTXt` chunk behind the header (PNG, 11.3.3.4).
fn png(file: &[u8], xmp: &str) -> Option<Vec<u8>> {
    /// The signature and the chunk IHDR.
    const HEADER: usize = 8 + 25;
    let (header, rest) = file.split_at_checked(HEADER)?;
    let chunk = [b"iTXtXML:com.adobe.xmp\0\0\0\0\0", xmp.as_bytes()].concat();
    let length = u32::try_from(chunk.len() - 4).ok()?.to_be_bytes();
    Some([header, &length, &chunk, &crc32fast::hash(&chunk).to_be_bytes(), rest].concat())
}

/// An APP1 segment behind JFIF's APP0.
fn jpeg(file: &[u8], xmp: &str) -> Option<Vec<u8>> {
    let content = [b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat();
    let length = u16::try_from(content.len() + 2).ok()?.to_be_bytes();
    let behind = match file.get(2..6)? {
        [0xFF, 0xE0, high, low] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    };
    let (header, rest) = file.split_at_checked(behind)?;
    Some([header, &[0xFF, 0xE1], &length, &content, rest].concat())
}

/// A chunk at the end, announced in the extended header, which a simple file is
/// given (RFC 9649, 2.7).
fn webp(file: &[u8], xmp: &str, picture: &Picture) -> Option<Vec<u8>> {
    const XMP: u8 = 1 << 2;
    const ALPHA: u8 = 1 << 4;
    let chunks = file.get(12..)?;
    let mut marked = b"RIFF\0\0\0\0WEBP".to_vec();
    if chunks.starts_with(b"VP8X") {
        marked.extend_from_slice(chunks);
        *marked.get_mut(20)? |= XMP;
    } else {
        let flags = XMP | if picture.alpha.is_some() { ALPHA } else { 0 };
        marked.extend_from_slice(b"VP8X\x0a\0\0\0");
        marked.extend_from_slice(&[flags, 0, 0, 0]);
        for side in [picture.width, picture.height] {
            marked.extend_from_slice(&(side - 1).to_le_bytes()[..3]);
        }
        marked.extend_from_slice(chunks);
    }
    marked.extend_from_slice(b"XMP ");
    marked.extend_from_slice(&u32::try_from(xmp.len()).ok()?.to_le_bytes());
    marked.extend_from_slice(xmp.as_bytes());
    if !xmp.len().is_multiple_of(2) {
        marked.push(0);
    }
    let length = u32::try_from(marked.len() - 8).ok()?.to_le_bytes();
    marked.get_mut(4..8)?.copy_from_slice(&length);
    Some(marked)
}
