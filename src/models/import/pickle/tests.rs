#![allow(clippy::unwrap_used)]

use super::super::archive::Archive;
use super::*;
use std::path::Path;

/// The pickle that PyTorch wrote.
fn real() -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/unet_256.pth");
    Archive::open(std::fs::File::open(file).unwrap()).unwrap().pickle().unwrap()
}

fn tensors(bytes: &[u8]) -> Result<Vec<(String, StoredTensor)>, ImportError> {
    read(&mut Cursor::new(bytes))?.tensors()
}

#[test]
fn a_state_dict_keeps_its_order_and_shapes() {
    let tensors = tensors(&real()).unwrap();
    assert_eq!(tensors.len(), 82);
    let (name, first) = &tensors[0];
    assert_eq!((name.as_str(), first.shape.as_slice()), ("model.model.0.weight", &[1, 3, 4, 4][..]));
    assert_eq!((first.strides.as_slice(), first.storage.number), (&[48, 16, 4, 1][..], Number::F32));
    assert_eq!(tensors[81].0, "model.model.3.bias");
}

/// Whatever the bytes are, reading them ends, and with an answer.
#[test]
fn broken_pickles_are_answered() {
    let whole = real();
    for length in (0..whole.len()).step_by(3) {
        assert!(tensors(&whole[..length]).is_err(), "{length}");
    }
    let mut broken = whole.clone();
    for at in 0..whole.len() {
        for value in [b'R', 0xff, whole[at] ^ 1] {
            broken[at] = value;
            if let Ok(tensors) = tensors(&broken) {
                let inside = |t: &StoredTensor| t.offset < t.storage.count && t.shape.len() == t.strides.len();
                assert!(tensors.iter().all(|(_, tensor)| inside(tensor)));
            }
        }
        broken[at] = whole[at];
    }
}
