//! The trace that a request belongs to, by W3C Trace Context (`traceparent`).

use axum::http::{HeaderMap, HeaderName};

const HEADER: HeaderName = HeaderName::from_static("traceparent");

/// What the client does when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent<'a> {
    /// The trace's id, 32 hexadecimal digits.
    pub trace: &'a str,
    /// The id of the client's span, 16 hexadecimal digits.
    pub span: &'a str,
    /// Whether the client keeps the trace.
    pub sampled: bool,
}

/// The client's span, where the header is sound.
pub fn parent(headers: &HeaderMap) -> Option<Parent<'_>> {
    let value = headers.get(HEADER)?.to_str().ok()?;
    let mut fields = value.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let id = |text: &str, length| hex(text, length) && text.bytes().any(|digit| digit != b'0');
    // Later versions may say more; `ff` is none, and 00 says no more.
    let known = hex(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
    if !(known && id(trace, 32) && id(parent, 16) && hex(flags, 2)) {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    Some(Parent { trace, span: parent, sampled })
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
            (format!("00-{TRACE}-{PARENT}-0"), false),
        ] {
            let headers = HeaderMap::from_iter([(HEADER, value.parse().unwrap())]);
            let expected = Parent { trace: TRACE, span: PARENT, sampled: true };
            assert_eq!(parent(&headers), sound.then_some(expected), "{value}");
        }
    }
}
