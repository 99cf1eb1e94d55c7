//! Imported checkpoints draw what PyTorch draws.

use super::numbers::{Golden, formula};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use sakuga::models::Architecture;
use sakuga::models::import::{ImportError, Wanted, read, read_discriminator};
use sakuga::nn::Pass;
use sakuga::nn::norm::{NormKind, Statistics};
use sakuga::nn::patch_gan::{PatchGanConfig, patch_gan};
use sakuga::nn::pix2pix::Pix2pixConfig;
use std::path::{Path, PathBuf};

const NUMBERS: &str = include_str!("import.py");

fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.pth"))
}

fn draws_as_pytorch(name: &str, kind: &str, shape: (usize, usize, usize, usize), expected: &Architecture) {
    let mut golden = Golden::read(NUMBERS, &format!("{name}/"));
    let photo = formula(&format!("{name}.photo"), shape, 1.0, 0.0);
    for row in golden.names(&format!("{name}/")) {
        let statistics = if row == "by-image" { Statistics::Image } else { Statistics::Running };
        let imported = read(&checkpoint(name), &Wanted { kind: Some(kind), norm: None, statistics }).unwrap();
        if statistics == Statistics::Running {
            assert_eq!(&imported.architecture, expected);
        }
        let vb = VarBuilder::from_tensors(imported.tensors, DType::F32, &Device::Cpu);
        let network = imported.architecture.build(vb).unwrap();
        assert_eq!((imported.size_multiple, imported.reach), (network.multiple(), network.reach()));
        let drawn = network.forward(&photo, &Pass::INFERENCE).unwrap();
        golden.check_absolute(&format!("{name}/{row}"), &drawn, 1e-4);
    }
    golden.finish();
}

#[test]
fn a_plain_unet_256() {
    let config = Pix2pixConfig { width: 1, ..Pix2pixConfig::default() };
    draws_as_pytorch("unet_256", "unet_256", (1, 3, 256, 512), &Architecture::UNet256(config));
}

#[test]
fn a_wrapped_strided_unet_128_in_half_precision() {
    let config = Pix2pixConfig { width: 2, ..Pix2pixConfig::default() };
    draws_as_pytorch("unet_128", "unet_128", (1, 3, 128, 256), &Architecture::UNet128(config));
}

#[test]
fn an_old_unet_128_with_instance_norm_from_grey_to_colours() {
    let config = Pix2pixConfig { width: 1, inputs: 1, norm: NormKind::Instance, ..Pix2pixConfig::default() };
    draws_as_pytorch("unet_128_instance", "unet_128", (1, 1, 128, 256), &Architecture::UNet128(config));
}

#[test]
fn a_resnet_9blocks_with_dropout_from_colours_to_grey() {
    let config = Pix2pixConfig { width: 1, outputs: 1, ..Pix2pixConfig::default() };
    draws_as_pytorch("resnet_9blocks", "resnet_9blocks", (2, 3, 36, 48), &Architecture::ResNet9(config));
}

#[test]
fn a_resnet_9blocks_without_dropout() {
    let config = Pix2pixConfig { width: 1, dropout: 0.0, ..Pix2pixConfig::default() };
    draws_as_pytorch("resnet_9_dry", "resnet_9blocks", (2, 3, 36, 48), &Architecture::ResNet9(config));
}

#[test]
fn an_old_resnet_6blocks_with_alpha() {
    let sizes = Pix2pixConfig { width: 1, inputs: 4, outputs: 4, dropout: 0.0, ..Pix2pixConfig::default() };
    let config = Pix2pixConfig { norm: NormKind::Instance, ..sizes };
    draws_as_pytorch("resnet_6blocks", "resnet_6blocks", (2, 4, 36, 48), &Architecture::ResNet6(config));
}

#[test]
fn every_discriminator() {
    for (name, layers, norm) in [
        ("judge_basic", 3, NormKind::Batch),
        ("judge_n_layers", 2, NormKind::Instance),
        ("judge_pixel", 0, NormKind::Batch),
    ] {
        let mut golden = Golden::read(NUMBERS, &format!("{name}/"));
        let (config, tensors) = read_discriminator(&checkpoint(name), 6).unwrap();
        assert_eq!(config, PatchGanConfig { width: 2, layers, norm, ..PatchGanConfig::default() });
        let network = patch_gan(config, VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)).unwrap();
        let pair = formula(&format!("{name}.pair"), (2, 6, 40, 48), 1.0, 0.0);
        let (photo, picture) = (pair.narrow(1, 0, 3).unwrap(), pair.narrow(1, 3, 3).unwrap());
        let logits = network.forward(&photo, &picture, &Pass::INFERENCE).unwrap();
        golden.check_absolute(&format!("{name}/logits"), &logits, 1e-4);
        golden.finish();
    }
    let error = read_discriminator(&checkpoint("judge_basic"), 3).unwrap_err().to_string();
    assert!(error.contains("6 channels, where photo and picture have 3 together"), "{error}");
    let error = read_discriminator(&checkpoint("unet_128"), 6).unwrap_err().to_string();
    assert!(error.contains("a generator, where a discriminator is wanted"), "{error}");
}

#[test]
fn another_norm_than_asked_for() {
    let wanted = Wanted { norm: Some(NormKind::Instance), ..Wanted::default() };
    let error = read(&checkpoint("unet_128"), &wanted).unwrap_err();
    assert_eq!(error.to_string(), "it is a unet_128 with batch norm: leave --norm out");
}

#[test]
fn another_architecture_than_asked_for() {
    let error = read(&checkpoint("unet_128"), &Wanted { kind: Some("unet_256"), ..Wanted::default() }).unwrap_err();
    assert!(matches!(error, ImportError::Kind(_)), "{error}");
    assert_eq!(error.to_string(), "it is a unet_128, not a unet_256: leave --arch out");
}

/// Whatever the bytes are, reading them ends, and with an answer.
#[test]
fn broken_containers_are_answered() {
    broken("unet_128", 59, 0.5);
    // Its numbers have no checksum: only what is read of the rest is found out.
    broken("unet_128_instance", 28, 0.2);
}

fn broken(name: &str, tensors: usize, least: f64) {
    let whole = std::fs::read(checkpoint(name)).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("net.pth");
    // The zip's directory lies at its end; the older container's at its beginning.
    let directory = whole.len() - 8_000;
    let (mut refused, mut tried) = (0, 0);
    for at in (0..8_000).step_by(13).chain((8_000..directory).step_by(499)).chain((directory..whole.len()).step_by(11))
    {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        std::fs::write(&file, broken).unwrap();
        tried += 1;
        match read(&file, &Wanted::default()) {
            Ok(imported) => assert_eq!(imported.tensors.len(), tensors),
            Err(error) => {
                assert!(!error.to_string().contains('\n'), "{error}");
                refused += 1;
            }
        }
    }
    assert!(f64::from(refused) > least * f64::from(tried), "{refused} of {tried} were refused");
}
