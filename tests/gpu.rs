//! What a GPU learns and draws, beside the CPU: `make test-gpu`. Built with CUDA alone, so that no machine without a GPU
//! seems to have passed it.
#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use sakuga::models::card::{Source, WeightFile, Weights};
use sakuga::models::{Architecture, Card, DeviceChoice, Model, Precision, Style};
use sakuga::nn::anime::AnimeConfig;
use sakuga::nn::norm::NormKind;
use sakuga::nn::patch_gan::PatchGanConfig;
use sakuga::nn::pix2pix::Pix2pixConfig;
use sakuga::train::recipe::{Recipe, Stage};
use sakuga::train::trainer::{Sample, Trainer};

/// By bf16 from f32, dB; a norm over the picture multiplies what 16 bits round away. A loaded model is held to as much.
const LEAST_PSNR: f64 = 40.0;

fn gpu() -> Device {
    DeviceChoice::Cuda(0).open().unwrap().0
}

/// Networks of all forms, small, with the side of their pictures.
fn architectures() -> Vec<(Architecture, usize)> {
    let pix2pix = |norm| Pix2pixConfig { width: 8, norm, ..Pix2pixConfig::default() };
    vec![
        (Architecture::Anime(AnimeConfig { styles: 2, recolours: true, ..AnimeConfig::default() }), 48),
        (Architecture::UNet128(pix2pix(NormKind::Batch)), 128),
        (Architecture::UNet128(pix2pix(NormKind::Instance)), 128),
        (Architecture::ResNet6(pix2pix(NormKind::Instance)), 36),
    ]
}

fn recipe(architecture: &Architecture, mixed_precision: bool) -> Recipe {
    let mut recipe = Recipe::built_in("pix2pix").unwrap().unwrap();
    // Dropout is drawn on the CPU, for both the same.
    recipe.architecture = architecture.clone();
    recipe.discriminator = PatchGanConfig { width: 8, layers: 2, ..recipe.discriminator };
    recipe.ema = 0.9;
    Recipe { mixed_precision, ..recipe }
}

/// Waves, `(2, 3, side, side)`.
fn pictures(side: usize, seed: f32, device: &Device) -> Tensor {
    let values = (0..2 * 3 * side * side).map(|i| (0.037 * i as f32 + seed).sin() * 0.9).collect();
    Tensor::from_vec::<_, f32>(values, (2, 3, side, side), device).unwrap()
}

/// A trainer after some steps, and the losses of each.
fn trained(architecture: &Architecture, side: usize, mixed: bool, device: &Device) -> (Trainer, Vec<[f64; 3]>) {
    let mut trainer = Trainer::new(recipe(architecture, mixed), device.clone()).unwrap();
    let styles = architecture.styles().max(1);
    let sample = Sample {
        photo: pictures(side, 0.0, device),
        target: pictures(side, 1.0, device),
        style: Tensor::full(0.5f32, (2, styles), device).unwrap(),
    };
    let stage = Stage { rate: 1.0, sharpness: 0.0, adversarial: true };
    let losses = (0..4).map(|_| {
        let losses = trainer.step(&sample, stage).unwrap();
        [losses.l1, losses.gan, losses.discriminator]
    });
    let losses = losses.collect();
    (trainer, losses)
}

/// Every kernel and every derivative has its part in the losses of the steps behind.
#[test]
fn steps_have_the_losses_of_the_cpus() {
    for (architecture, side) in architectures() {
        let (_, expected) = trained(&architecture, side, false, &Device::Cpu);
        for (mixed, off) in [(false, 0.02), (true, 0.05)] {
            let (_, losses) = trained(&architecture, side, mixed, &gpu());
            let pairs = || losses.iter().flatten().zip(expected.iter().flatten());
            let alike = pairs().all(|(loss, expected)| (loss - expected).abs() <= off * expected.abs().max(0.1));
            assert!(alike, "{architecture:?}, mixed: {mixed}\n{losses:?} are not\n{expected:?}");
        }
    }
}

fn card(architecture: &Architecture) -> Card {
    let styles = (0..architecture.styles().max(1)).map(|i| format!("look{i}")).collect();
    Card {
        name: "tiny".into(),
        title: "tiny".into(),
        description: "For a test.".into(),
        licence: "MIT".into(),
        styles,
        max_side: None,
        size_multiple: if matches!(architecture, Architecture::UNet128(_)) { 128 } else { 16 },
        reach: None,
        value_range: [-1.0, 1.0],
        source: Source::default(),
        architecture: architecture.clone(),
        discriminator: None,
        weights: Weights { generator: WeightFile { file: String::new(), sha256: String::new() }, discriminator: None },
        figures: Default::default(),
    }
}

/// Pictures of one plan: near the layers' on the CPU, and the same bytes each time, alone or beside another.
#[test]
fn a_plan_draws_what_the_cpus_layers_draw_and_the_same_each_time() {
    let gpu = gpu();
    for (architecture, side) in architectures() {
        let weights = trained(&architecture, side, false, &Device::Cpu).0.generator_weights();
        let model = |device: &Device, precision| {
            Model::new(card(&architecture), weights.clone(), None, device, precision).unwrap()
        };
        let (planned, reference) = (model(&gpu, Precision::Auto), model(&Device::Cpu, Precision::F32));
        assert_eq!(planned.instructions(), "cuda-bf16", "{architecture:?}");
        let style = Style::of(planned.card(), None, 1.0).unwrap();
        // Not square, and larger than a block's tile.
        let photo = Tensor::cat(&[pictures(side, 2.0, &Device::Cpu), pictures(side, 3.0, &Device::Cpu)], 3).unwrap();
        let photo = if side % 16 == 0 { photo } else { photo.narrow(2, 0, 32).unwrap().narrow(3, 0, 64).unwrap() };
        let (photo, on_gpu) = (photo.contiguous().unwrap(), photo.contiguous().unwrap().to_device(&gpu).unwrap());
        let expected = reference.draw(&photo, &style).unwrap();
        let draw = |photo: &Tensor| planned.draw(photo, &style).unwrap().to_device(&Device::Cpu).unwrap();
        let first = draw(&on_gpu);
        let squares = (&first - &expected).unwrap().sqr().unwrap().to_dtype(DType::F64).unwrap();
        let psnr = 10.0 * (4.0 / squares.mean_all().unwrap().to_scalar::<f64>().unwrap()).log10();
        assert!(psnr >= LEAST_PSNR, "{architecture:?}: {psnr} dB");
        let bytes = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // The second drawing is recorded as a graph, the third replays it.
        for _ in 0..3 {
            assert_eq!(bytes(&draw(&on_gpu)), bytes(&first), "{architecture:?}");
        }
        let alone = draw(&on_gpu.narrow(0, 1, 1).unwrap().contiguous().unwrap());
        assert_eq!(bytes(&alone), bytes(&first.narrow(0, 1, 1).unwrap().contiguous().unwrap()), "{architecture:?}");
    }
}
