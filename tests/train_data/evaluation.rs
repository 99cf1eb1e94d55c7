//! What `sakuga-train eval` measures.

use super::{drawing, negative, two_folders, write};
use candle_core::Device;
use indicatif::ProgressBar;
use sakuga::imaging::Picture;
use sakuga::models::card::{Card, Source, WeightFile, Weights};
use sakuga::models::publish::publish;
use sakuga::models::{Architecture, Registry, Style};
use sakuga::nn::anime::AnimeConfig;
use sakuga::nn::init::Parameters;
use sakuga::train::dataset::{Direction, Pairs, Split};
use sakuga::train::evaluate::{draw, evaluate, measure};
use sakuga::train::metrics::figures;
use std::path::Path;

fn pairs(dir: &Path) -> Pairs {
    Pairs::open(dir, Split::Train, Direction::AtoB).unwrap()
}

/// A tiny generator that nobody trained, as a model on disk.
fn publish_untrained(dir: &Path) {
    let architecture =
        Architecture::Anime(AnimeConfig { widths: vec![4, 8], blocks: 1, styles: 0, ..AnimeConfig::default() });
    let parameters = Parameters::default();
    let generator = architecture.build(parameters.seeded(3, &Device::Cpu)).unwrap();
    let file = || WeightFile { file: String::new(), sha256: String::new() };
    let card = Card {
        name: String::new(),
        title: "Untrained".into(),
        description: "For a test.".into(),
        licence: "MIT".into(),
        styles: vec!["cel".into()],
        max_side: None,
        size_multiple: generator.multiple(),
        reach: None,
        value_range: [-1.0, 1.0],
        source: Source::default(),
        architecture,
        discriminator: None,
        weights: Weights { generator: file(), discriminator: None },
        figures: Default::default(),
    };
    publish(&dir.join("models"), "tiny", card, &parameters.tensors(), None).unwrap();
}

#[test]
fn a_model_is_measured_at_the_photos_own_sizes() {
    let dir = two_folders(2, 37, 26);
    write(&dir.path().join("A/train/wide.png"), &drawing(50, 7, 5));
    write(&dir.path().join("B/train/wide.png"), &drawing(50, 7, 6));
    publish_untrained(dir.path());
    let registry = Registry::open(Some(&dir.path().join("models"))).unwrap();
    let model = registry.load("tiny", &Device::Cpu, sakuga::models::Precision::F32).unwrap();

    let style = Style::of(model.card(), None, 1.0).unwrap();
    let report = evaluate(&model, &style, &pairs(dir.path()), &Device::Cpu, &ProgressBar::hidden()).unwrap();
    let names: Vec<_> = report.pictures.iter().map(|row| (row.name.as_str(), row.width, row.height)).collect();
    assert_eq!(names, [("00.png", 37, 26), ("01.png", 37, 26), ("wide.png", 50, 7)]);
    let drawn = draw(&model, &style, &drawing(50, 7, 5), &Device::Cpu).unwrap();
    assert_eq!(report.pictures[2].drawn, figures(&drawn, &drawing(50, 7, 6)));
    assert_eq!(report.pictures[2].photo, figures(&drawing(50, 7, 5), &drawing(50, 7, 6)));
}

#[test]
fn a_report_holds_medians_and_both_ends_of_the_scale() {
    // More than one round of drawing.
    let dir = two_folders(35, 24, 20);
    let pairs = pairs(dir.path());
    let perfect = measure(&pairs, |photo| Ok(negative(photo)), &ProgressBar::hidden()).unwrap();
    assert_eq!((perfect.n, perfect.pictures.len()), (35, 35));
    assert_eq!(perfect.drawn, perfect.target);
    assert_eq!((perfect.drawn.l1, perfect.drawn.ssim), (0.0, 1.0));
    let names: Vec<_> = perfect.pictures.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, pairs.names().collect::<Vec<_>>(), "in the order of the names");

    let untouched = measure(&pairs, |photo| Ok(photo.clone()), &ProgressBar::hidden()).unwrap();
    assert_eq!(untouched.drawn, untouched.photo);
    assert!(untouched.drawn.l1 > 0.1 && untouched.drawn.ssim < 0.5, "{untouched}");
    let mut l1: Vec<_> = untouched.pictures.iter().map(|row| row.drawn.l1).collect();
    l1.sort_by(f64::total_cmp);
    assert_eq!(untouched.drawn.l1, l1[17]);
}

#[test]
fn a_report_prints_a_table_and_json() {
    let dir = two_folders(2, 24, 20);
    let grey = |photo: &Picture| Ok(Picture { rgb: vec![128; photo.rgb.len()], ..photo.clone() });
    let report = measure(&pairs(dir.path()), grey, &ProgressBar::hidden()).unwrap();
    let table = report.to_string();
    let psnr = table.lines().find(|line| line.starts_with("psnr")).unwrap();
    let columns: Vec<f64> = psnr.split_whitespace().skip(1).map(|value| value.parse().unwrap()).collect();
    for (shown, value) in columns.iter().zip([report.drawn.psnr, report.photo.psnr, report.target.psnr]) {
        assert!((shown - value).abs() <= 5e-5, "{table}");
    }
    assert!(table.ends_with("2 pictures"), "{table}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["n"], 2);
    assert!(json["drawn"]["ssim"].is_f64() && json["pictures"][1]["photo"]["l1"].is_f64(), "{json}");
}

#[test]
fn a_photo_that_cannot_be_drawn_is_named() {
    let dir = two_folders(1, 24, 20);
    let failing = |_: &Picture| Err(candle_core::Error::Msg("out of memory".into()));
    let text = measure(&pairs(dir.path()), failing, &ProgressBar::hidden()).unwrap_err().to_string();
    assert!(text.contains("00.png (24×20)") && text.contains("out of memory"), "{text}");
}
