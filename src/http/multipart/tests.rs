#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn parsed(body: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    parse(&Bytes::copy_from_slice(body), "XX")
        .map(|parts| parts.into_iter().map(|part| (part.name, part.data.to_vec())).collect())
        .map_err(|problem| problem.detail().to_owned())
}

fn field(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

const HEAD: &str = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";

#[test]
fn fields_are_read_in_order_and_byte_for_byte() {
    let body = b"--XX\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x;y.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--X\r\n\r\n--XX \t\r\n\
        content-disposition: form-data; filename=n; name=seed\r\n\r\n7\r\n--XX--\r\nepilogue";
    let parts = parse(&Bytes::from_static(body), "XX").unwrap();
    let expected = [("image", &b"\xff\xd8\r\n--X\r\n"[..]), ("seed", b"7")];
    assert_eq!(parts.len(), 2);
    for (part, (name, data)) in parts.iter().zip(expected) {
        assert_eq!((part.name.as_str(), &part.data[..]), (name, data));
    }
}

#[test]
fn a_preamble_and_empty_parts_are_allowed() {
    assert_eq!(parsed(format!("preamble\r\n{HEAD}1\r\n--XX--").as_bytes()), Ok(vec![field("a", "1")]));
    assert_eq!(parsed(format!("{HEAD}\r\n--XX--").as_bytes()), Ok(vec![field("a", "")]));
    assert_eq!(parsed(format!("{HEAD}--XX--").as_bytes()), Ok(vec![field("a", "")]));
    assert_eq!(parsed(b"--XX--"), Ok(vec![]));
}

#[test]
fn a_form_cut_off_anywhere_is_refused() {
    let whole = format!("{HEAD}value\r\n--XX--\r\n");
    assert!(parsed(whole.as_bytes()).is_ok());
    // Without the last line break it is still closed.
    for end in 0..whole.len() - 2 {
        assert!(parsed(&whole.as_bytes()[..end]).is_err(), "cut at {end}: {}", &whole[..end]);
    }
}

#[test]
fn a_part_needs_a_name() {
    for head in [
        "Content-Type: text/plain",
        "Content-Disposition: attachment; name=\"a\"",
        "Content-Disposition: form-data",
        "Content-Disposition: form-data; name=\"a",
        "Content-Disposition: form-data; filename=\"name=a\"",
    ] {
        let body = format!("--XX\r\n{head}\r\n\r\n1\r\n--XX--");
        assert!(parsed(body.as_bytes()).unwrap_err().contains("Content-Disposition"), "{head}");
    }
    assert!(parsed(b"--XX\r\n\r\n1\r\n--XX--").is_err());
}

#[test]
fn a_quoted_name_is_unquoted() {
    let body = b"--XX\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n--XX--";
    assert_eq!(parsed(body), Ok(vec![field("a\"b", "1")]));
}

#[test]
fn part_headers_are_limited() {
    let part = |padding: usize| {
        let fixed = "\r\nContent-Disposition: form-data; name=\"a\"\r\nX: ".len();
        let padding = "p".repeat(padding - fixed);
        format!("--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nX: {padding}\r\n\r\n1\r\n--XX--")
    };
    assert_eq!(parsed(part(MAX_PART_HEADERS).as_bytes()), Ok(vec![field("a", "1")]));
    assert!(parsed(part(MAX_PART_HEADERS + 1).as_bytes()).unwrap_err().contains("8 KiB"));
}

#[test]
fn boundaries() {
    let of = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
        boundary(&headers).map_err(|_| ())
    };
    assert_eq!(of("multipart/form-data; boundary=XX"), Ok(Some("XX".into())));
    assert_eq!(of("Multipart/Form-Data; charset=utf-8; boundary=\"X X\""), Ok(Some("X X".into())));
    assert_eq!(of("image/jpeg"), Ok(None));
    assert_eq!(of("multipart/form-data"), Err(()));
    assert_eq!(of("multipart/form-data; boundary="), Err(()));
    assert_eq!(of(&format!("multipart/form-data; boundary={}", "x".repeat(71))), Err(()));
    assert_eq!(boundary(&HeaderMap::new()).map_err(|_| ()), Ok(None));
}

#[test]
fn a_needle_is_found_where_it_is() {
    let hay = b"abcabcabd--abcabd";
    for length in 1..hay.len() {
        for start in 0..=hay.len() - length {
            let needle = &hay[start..start + length];
            let expected = hay.windows(length).position(|window| window == needle);
            assert_eq!(find(hay, needle), expected);
        }
    }
    assert_eq!(find(b"ab", b"abc"), None);
}

proptest! {
    #[test]
    fn no_body_breaks_the_parser(body: Vec<u8>, boundary in "[a-zA-Z0-9'+_,./:=?-]{1,70}") {
        let _ = parse(&Bytes::from(body), &boundary);
    }

    /// Forms with a wound: a byte changed, or a piece gone.
    #[test]
    fn no_damaged_form_breaks_the_parser(at: prop::sample::Index, byte: u8, gone in 0usize..40) {
        let mut body = format!("{HEAD}value\r\n{HEAD}another\r\n--XX--\r\n").into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        body.drain(at..(at + gone).min(body.len()));
        let length = body.len();
        for part in parse(&Bytes::from(body), "XX").unwrap_or_default() {
            prop_assert!(part.data.len() < length);
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read(parts: Vec<Vec<u8>>) {
        let mut body = Vec::new();
        for data in &parts {
            body.extend_from_slice(b"--0f9b1c\r\nContent-Disposition: form-data; name=a\r\n\r\n");
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--0f9b1c--");
        let read: Vec<Vec<u8>> =
            parse(&Bytes::from(body), "0f9b1c").unwrap().into_iter().map(|part| part.data.to_vec()).collect();
        prop_assert_eq!(read, parts);
    }
}
