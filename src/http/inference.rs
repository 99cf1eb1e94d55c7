//! A request as Hugging Face's image-to-image task writes it:
//! `{"inputs": base64 or data URL, "parameters": {…}}`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::params;
use super::problem::Problem;

/// The task's parameters that mean something to other models only.
const MEANINGLESS: [&str; 5] = ["prompt", "negative_prompt", "guidance_scale", "num_inference_steps", "target_size"];

/// Base64 (RFC 4648, 4), with its padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    inputs: Cow<'a, str>,
    parameters: Option<Map<String, Value>>,
}

/// The photo in `body`; its parameters join `pairs`.
///
/// # Errors
/// A 400 [`Problem`] for what is not such a document, and for an unknown parameter.
pub fn read(body: &[u8], pairs: &mut Vec<(String, String)>) -> Result<Bytes, Problem> {
    let document: Document<'_> = serde_json::from_slice(body).map_err(|error| {
        Problem::malformed(format!(
            "the JSON is not {{\"inputs\": the photo as base64 or a data URL, \"parameters\": {{…}}}}: {error}"
        ))
    })?;
    for (name, value) in document.parameters.unwrap_or_default() {
        if MEANINGLESS.contains(&name.as_str()) {
            continue;
        }
        match value {
            _ if !params::NAMES.contains(&name.as_str()) => return Err(params::unknown(&name)),
            Value::Null => {}
            Value::String(text) => pairs.push((name, text)),
            Value::Number(number) => pairs.push((name, number.to_string())),
            _ => return Err(Problem::bad_parameter(format!("`{name}` must be a text or a number"))),
        }
    }
    let photo = base64_of(&document.inputs)?;
    BASE64
        .decode(photo.trim_ascii())
        .map(Bytes::from)
        .map_err(|error| Problem::malformed(format!("`inputs` is not base64: {error}")))
}

/// What is base64 of a text: all of it, or the data of a data URL (RFC 2397).
fn base64_of(inputs: &str) -> Result<&str, Problem> {
    match inputs.trim_start().strip_prefix("data:") {
        None => Ok(inputs),
        Some(url) => url
            .split_once(',')
            .filter(|(kind, _)| kind.to_ascii_lowercase().ends_with(";base64"))
            .map(|(_, data)| data)
            .ok_or_else(|| Problem::malformed("the data URL in `inputs` is not `data:image/…;base64,…`")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn photo(body: &str) -> Result<(Bytes, Vec<(String, String)>), Problem> {
        let mut pairs = Vec::new();
        read(body.as_bytes(), &mut pairs).map(|photo| (photo, pairs))
    }

    #[test]
    fn photos_and_parameters_are_read() {
        for inputs in
            ["aGVsbG8=", "aGVsbG8", "data:image/png;base64,aGVsbG8=", "data:;BASE64,aGVsbG8", "aGVsbG8\\u003d"]
        {
            let (bytes, pairs) = photo(&format!("{{\"inputs\": \"{inputs}\"}}")).unwrap();
            assert_eq!((&bytes[..], pairs.len()), (&b"hello"[..], 0), "{inputs}");
        }
        let body = r#"{"inputs": "", "parameters": {"strength": 0.5, "model": "a", "seed": 18446744073709551615,
            "prompt": "x", "target_size": {"width": 1}, "quality": null}, "options": {"wait_for_model": true}}"#;
        let expected = [("model", "a"), ("seed", "18446744073709551615"), ("strength", "0.5")];
        let mut pairs = photo(body).unwrap().1;
        pairs.sort();
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, named) in [
            ("nonsense", "inputs"),
            ("[]", "inputs"),
            ("{}", "inputs"),
            (r#"{"inputs": 7}"#, "inputs"),
            (r#"{"inputs": "?"}"#, "not base64"),
            (r#"{"inputs": "data:image/png,raw"}"#, "base64"),
            (r#"{"inputs": "data:image/png;base64"}"#, "data URL"),
            (r#"{"inputs": "", "parameters": {"colour": "red"}}"#, "`colour`"),
            (r#"{"inputs": "", "parameters": {"seed": [1]}}"#, "`seed` must be a text or a number"),
        ] {
            let problem = photo(body).map(|_| ()).unwrap_err();
            assert!(problem.detail().contains(named), "{body}: {}", problem.detail());
        }
    }

    proptest! {
        #[test]
        fn no_document_breaks_the_reader(body: String, inputs in "(data:)?[a-zA-Z0-9+/=;,:]{0,40}") {
            let _ = photo(&body);
            let _ = photo(&serde_json::json!({ "inputs": inputs, "parameters": { "seed": body } }).to_string());
        }

        #[test]
        fn every_photo_is_read_byte_for_byte(bytes: Vec<u8>) {
            let inputs = BASE64.encode(&bytes);
            prop_assert_eq!(&photo(&format!("{{\"inputs\": \"{inputs}\"}}")).unwrap().0[..], &bytes[..]);
        }
    }
}
