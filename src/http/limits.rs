//! What one client, and all of them together, may take.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderValue;
use ipnet::IpNet;

/// The limits in force. Every one is a flag of `sakuga serve`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest request body.
    pub max_body: ByteSize,
    /// The most pixels a photo may have, by its header, before it is decoded.
    pub max_pixels: u64,
    /// How many photos one form may have.
    pub max_photos: usize,
    /// How many bytes of pictures are kept for who asks for the same again.
    pub cache: ByteSize,
    /// The pages elsewhere that may call the service.
    pub cors_origins: Vec<HeaderValue>,
    /// How many times a minute one client may ask for work; none: as it likes.
    pub rate: Option<NonZeroU32>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How many connections are served at once.
    pub max_connections: usize,
    /// How long a request's headers may take, and a connection be idle.
    pub header_timeout: Duration,
    /// How long a body, or the client's reading of an answer, may stand still.
    pub body_timeout: Duration,
    /// How long a photo may take to be decoded.
    pub decode_timeout: Duration,
    /// How long, when the service stops, new work is still taken while
    /// `/readyz` says no: until the balancers have noticed.
    pub shutdown_delay: Duration,
    /// How long requests in flight may take to finish when the service stops.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: ByteSize(20_000_000),
            max_pixels: 50_000_000,
            max_photos: 32,
            cache: ByteSize(0),
            cors_origins: Vec::new(),
            rate: None,
            trusted_proxies: Vec::new(),
            max_connections: 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            decode_timeout: Duration::from_secs(10),
            shutdown_delay: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(20),
        }
    }
}

/// A number of bytes, written as `20MB`, `512KiB` or `1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub usize);

const UNITS: [(&str, usize); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim());
        let factor = match unit {
            "" => Some(1),
            unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor),
        };
        number
            .parse::<usize>()
            .ok()
            .zip(factor)
            .and_then(|(number, factor)| number.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| "a size is a whole number and a unit, such as 20MB, 512KiB or 1000".to_owned())
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, factor): &&(&str, usize)| self.0 >= *factor && self.0.is_multiple_of(*factor);
        match UNITS.iter().filter(fits).max_by_key(|(_, factor)| *factor) {
            Some(("B", _)) | None => write!(f, "{} bytes", self.0),
            Some((unit, factor)) => write!(f, "{} {unit}", self.0 / factor),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, written) in [
            ("20MB", 20_000_000, "20 MB"),
            ("20 mb", 20_000_000, "20 MB"),
            ("512KiB", 512 << 10, "512 KiB"),
            ("2GiB", 2 << 30, "2 GiB"),
            ("1001", 1001, "1001 bytes"),
            ("0", 0, "0 bytes"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(size, ByteSize(bytes), "{text}");
            assert_eq!(size.to_string(), written);
        }
        for text in ["", "MB", "20 XB", "-1", "1.5MB", "99999999999GiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
