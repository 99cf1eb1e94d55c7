//! Imported checkpoints draw what PyTorch draws.

use super::numbers::{Golden, formula};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use sakuga::models::Architecture;
use sakuga::models::import::{ImportError, read};
use sakuga::nn::Pass;
use sakuga::nn::unet::UNetConfig;
use std::path::{Path, PathBuf};

const NUMBERS: &str = include_str!("import.py");

fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.pth"))
}

fn draws_as_pytorch(name: &str, side: usize, expected: &Architecture) {
    let mut golden = Golden::read(NUMBERS, &format!("{name}/"));
    let imported = read(&checkpoint(name), Some(name)).unwrap();
    assert_eq!(&imported.architecture, expected);
    assert_eq!((imported.size_multiple, imported.reach), (side, None));
    let vb = VarBuilder::from_tensors(imported.tensors, DType::F32, &Device::Cpu);
    let network = imported.architecture.build(vb).unwrap();
    let photo = formula(&format!("{name}.photo"), (1, 3, side, 2 * side), 1.0, 0.0);
    let drawn = network.forward(&photo, &Pass::INFERENCE).unwrap();
    golden.check_absolute(&format!("{name}/drawn"), &drawn, 1e-4);
    golden.finish();
}

#[test]
fn a_plain_unet_256() {
    draws_as_pytorch("unet_256", 256, &Architecture::UNet256(UNetConfig { width: 1, ..UNetConfig::default() }));
}

#[test]
fn a_wrapped_strided_unet_128_in_half_precision() {
    draws_as_pytorch("unet_128", 128, &Architecture::UNet128(UNetConfig { width: 2, ..UNetConfig::default() }));
}

#[test]
fn another_architecture_than_asked_for() {
    let error = read(&checkpoint("unet_128"), Some("unet_256")).unwrap_err();
    assert!(matches!(error, ImportError::Kind(_)), "{error}");
    assert_eq!(error.to_string(), "it is a unet_128, not a unet_256: leave --arch out");
}

/// Whatever the bytes are, reading them ends, and with an answer.
#[test]
fn broken_containers_are_answered() {
    let whole = std::fs::read(checkpoint("unet_128")).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("net.pth");
    // The zip's directory lies at its end.
    let directory = whole.len() - 8_000;
    let (mut refused, mut tried) = (0, 0);
    for at in (0..directory).step_by(499).chain((directory..whole.len()).step_by(11)) {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        std::fs::write(&file, broken).unwrap();
        tried += 1;
        match read(&file, None) {
            Ok(imported) => assert_eq!(imported.tensors.len(), 59),
            Err(error) => {
                assert!(!error.to_string().contains('\n'), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > tried / 2, "{refused} of {tried} were refused");
}
