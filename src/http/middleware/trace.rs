//! The trace that a request belongs to, by W3C Trace Context (`traceparent`).

use axum::http::{HeaderMap, HeaderName};

const HEADER: HeaderName = HeaderName::from_static("traceparent");

/// The trace's id, 32 hexadecimal digits, where the header is sound.
pub fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(HEADER)?.to_str().ok()?;
    let mut fields = value.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let id = |text: &str, length| hex(text, length) && text.bytes().any(|digit| digit != b'0');
    // Later versions may say more; `ff` is none, and 00 says no more.
    let known = hex(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
    (known && id(trace, 32) && id(parent, 16) && hex(flags, 2)).then_some(trace)
}

fn hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_sound_traceparent_counts() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        const PARENT: &str = "00f067aa0ba902b7";
        let zero = "0".repeat(32);
        for (value, sound) in [
            (format!("00-{TRACE}-{PARENT}-01"), true),
            (format!("cc-{TRACE}-{PARENT}-01-more"), true),
            (format!("00-{TRACE}-{PARENT}-01-more"), false),
            (format!("ff-{TRACE}-{PARENT}-01"), false),
            (format!("00-{zero}-{PARENT}-01"), false),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), false),
            (format!("00-{}-{PARENT}-01", TRACE.to_uppercase()), false),
            (format!("00-{TRACE}-{PARENT}"), false),
            ("nonsense".to_owned(), false),
        ] {
            let headers = HeaderMap::from_iter([(HEADER, value.parse().unwrap())]);
            assert_eq!(trace_id(&headers), sound.then_some(TRACE), "{value}");
        }
    }
}
