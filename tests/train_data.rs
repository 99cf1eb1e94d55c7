//! The way of the training data: folders, pairs, samples, batches.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "train_data/evaluation.rs"]
mod evaluation;
#[path = "train_data/inspection.rs"]
mod inspection;
#[path = "train_data/shapes.rs"]
mod shapes;

use indicatif::ProgressBar;
use sakuga::imaging::{Format, Picture, encode};
use sakuga::looks::Look;
use sakuga::train::augment::Augment;
use sakuga::train::dataset::{DataError, Direction, Pair, Pairs, Split};
use sakuga::train::loader::{Batch, Loader};
use sakuga::train::rng::Stream;
use std::collections::BTreeSet;
use std::path::Path;

/// A drawing that differs with `k` and at every pixel.
fn drawing(width: u32, height: u32, k: u32) -> Picture {
    let pixel = |i: u32| {
        let (x, y) = (i % width, i / width);
        [x * 2 + k * 31, y * 3 + k * 17, (x ^ y) + k * 7].map(|v| (v % 256) as u8)
    };
    Picture { width, height, rgb: (0..width * height).flat_map(pixel).collect(), alpha: None }
}

/// Its negative: the sum of both is white wherever they lie on each other.
fn negative(picture: &Picture) -> Picture {
    Picture { rgb: picture.rgb.iter().map(|v| 255 - v).collect(), ..picture.clone() }
}

fn write(path: &Path, picture: &Picture) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, encode(picture, Format::Png, None).unwrap()).unwrap();
}

/// A folder of `count` pairs, B the negative of A.
fn two_folders(count: u32, width: u32, height: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for k in 0..count {
        let a = drawing(width, height, k);
        write(&dir.path().join(format!("A/train/{k:02}.png")), &a);
        write(&dir.path().join(format!("B/train/{k:02}.png")), &negative(&a));
    }
    dir
}

fn side_by_side(a: &Picture, b: &Picture) -> Picture {
    let row = 3 * a.width as usize;
    let rows = a.rgb.chunks(row).zip(b.rgb.chunks(row));
    let rgb = rows.flat_map(|(a, b)| [a, b]).flatten().copied().collect();
    Picture { width: 2 * a.width, height: a.height, rgb, alpha: None }
}

fn loader(dir: &Path, augment: Augment, workers: usize) -> Loader {
    let pairs = Pairs::open(dir, Split::Train, Direction::AtoB).unwrap();
    Loader::new(pairs, augment, 3, 11, workers).unwrap()
}

fn rough() -> Augment {
    Augment { crop: 32, scale: [0.8, 1.1], noise: 0.5, jpeg: 0.5, ..Augment::default() }
}

fn all(loader: &Loader, epoch: usize, start: usize) -> Vec<Batch> {
    loader.epoch(epoch, start).map(Result::unwrap).collect()
}

#[test]
fn both_layouts_and_directions_give_the_same_pairs() {
    let dir = two_folders(2, 20, 10);
    let (a, b) = (drawing(20, 10, 1), negative(&drawing(20, 10, 1)));
    let other = tempfile::tempdir().unwrap();
    write(&other.path().join("train/00.png"), &side_by_side(&b, &a));
    write(&other.path().join("train/01.png"), &side_by_side(&a, &b));

    for root in [dir.path(), other.path()] {
        let pairs = Pairs::open(root, Split::Train, Direction::AtoB).unwrap();
        assert_eq!(pairs.names().collect::<Vec<_>>(), ["00.png", "01.png"]);
        let wanted = Pair { name: "01.png".into(), photo: a.clone(), targets: vec![b.clone()] };
        assert_eq!(*pairs.read(1).unwrap(), wanted);
        let pairs = Pairs::open(root, Split::Train, Direction::BtoA).unwrap();
        let turned = Pair { name: "01.png".into(), photo: b.clone(), targets: vec![a.clone()] };
        assert_eq!(*pairs.read(1).unwrap(), turned);
    }
}

#[test]
fn what_is_wrong_with_a_folder_is_said_by_its_files() {
    let open = |dir: &Path| Pairs::open(dir, Split::Train, Direction::AtoB).map(|_| ()).unwrap_err().to_string();
    let dir = two_folders(2, 20, 10);
    let root = dir.path();
    std::fs::remove_file(root.join("B/train/01.png")).unwrap();
    write(&root.join("B/train/lonely.png"), &drawing(20, 10, 0));
    let text = open(root);
    assert!(text.contains("A/train/01.png") && text.contains("B/train/lonely.png"), "{text}");

    write(&root.join("train/00.png"), &drawing(20, 10, 0));
    assert!(open(root).contains("keep one of the two layouts"));

    let photos = tempfile::tempdir().unwrap();
    write(&photos.path().join("a.png"), &drawing(20, 10, 0));
    let text = open(photos.path());
    assert!(text.contains("--look") && text.contains("1 pictures right in the folder"), "{text}");
    assert!(open(&photos.path().join("nowhere")).contains("nowhere"));
}

#[test]
fn what_is_wrong_with_a_pair_is_said_by_its_files() {
    let dir = two_folders(3, 20, 10);
    write(&dir.path().join("B/train/00.png"), &drawing(20, 12, 0));
    std::fs::write(dir.path().join("A/train/01.png"), b"not a picture").unwrap();
    let pairs = Pairs::open(dir.path(), Split::Train, Direction::AtoB).unwrap();
    let text = pairs.read(0).unwrap_err().to_string();
    assert!(text.contains("00.png is 20×10") && text.contains("00.png is 20×12"), "{text}");
    assert!(pairs.read(1).unwrap_err().to_string().contains("A/train/01.png"));
    assert!(pairs.read(2).is_ok());
    assert!(pairs.preload(&ProgressBar::hidden()).is_err());

    let odd = tempfile::tempdir().unwrap();
    write(&odd.path().join("train/a.png"), &drawing(21, 10, 0));
    let pairs = Pairs::open(odd.path(), Split::Train, Direction::AtoB).unwrap();
    assert!(matches!(pairs.read(0), Err(DataError::Odd { width: 21, .. })));
}

#[test]
fn transparent_photos_lie_on_white() {
    let dir = two_folders(1, 4, 4);
    let alpha = Some(vec![0; 16]);
    write(&dir.path().join("A/train/00.png"), &Picture { alpha, ..drawing(4, 4, 0) });
    let pairs = Pairs::open(dir.path(), Split::Train, Direction::AtoB).unwrap();
    let photo = &pairs.read(0).unwrap().photo;
    assert_eq!((photo.alpha.as_ref(), photo.rgb.as_slice()), (None, [255; 48].as_slice()));
}

#[test]
fn pictures_are_kept_in_memory_while_there_is_room() {
    let dir = two_folders(3, 16, 16);
    // Room for two pairs of 2 × 16 × 16 × 3 bytes.
    let pairs = Pairs::open(dir.path(), Split::Train, Direction::AtoB).unwrap().keeping(2 * 1536 + 100);
    pairs.preload(&ProgressBar::hidden()).unwrap();
    std::fs::remove_dir_all(dir.path().join("A")).unwrap();
    assert_eq!((0..3).filter(|&index| pairs.read(index).is_ok()).count(), 2);
}

#[test]
fn a_look_renders_each_target_once() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    write(&dir.path().join("train/a.png"), &drawing(40, 30, 1));
    write(&dir.path().join("train/b.png"), &drawing(30, 40, 2));
    let open = |look| Pairs::with_rendered(dir.path(), Split::Train, &[look], &cache, &ProgressBar::hidden()).unwrap();
    let files = || -> BTreeSet<_> {
        let entries = std::fs::read_dir(&cache).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap())).collect()
    };

    let pair = open(Look::Cel).read(1).unwrap();
    assert_eq!(pair.name, "b.png");
    assert_eq!(pair.targets[0].rgb, Look::Cel.render(&drawing(30, 40, 2)).rgb);
    let once = files();
    assert_eq!(once.len(), 2);
    open(Look::Cel);
    assert_eq!(files(), once, "nothing is rendered again");

    // A photo's new content has a new target; another look has its own.
    write(&dir.path().join("train/b.png"), &drawing(30, 40, 3));
    assert_eq!(open(Look::Cel).read(1).unwrap().targets[0].rgb, Look::Cel.render(&drawing(30, 40, 3)).rgb);
    assert_eq!(open(Look::Ink).read(0).unwrap().targets[0].rgb, Look::Ink.render(&drawing(40, 30, 1)).rgb);
    assert_eq!(files().len(), 5);

    // Photos right in a folder can be trained on, but they are no held-out split.
    let (flat, bar) = (dir.path().join("train"), ProgressBar::hidden());
    let train = Pairs::with_rendered(&flat, Split::Train, &[Look::Cel], &cache, &bar).unwrap();
    assert_eq!(train.len(), 2);
    let val = Pairs::with_rendered(&flat, Split::Val, &[Look::Cel], &cache, &bar);
    assert!(matches!(val, Err(DataError::NoPhotos { folder }) if folder == flat.join("val")));
    assert_eq!(Pairs::with_rendered_folder(&flat, &[Look::Cel], &cache, &bar).unwrap().len(), 2);
    assert!(Pairs::with_rendered_folder(dir.path(), &[Look::Cel], &cache, &bar).is_err());
}

/// Draws one sample.
fn sample(augment: &Augment, pair: &Pair, index: u64) -> (Vec<f32>, Vec<f32>) {
    let (mut photo, mut target) = (vec![9.0; augment.values()], vec![9.0; augment.values()]);
    augment.sample(pair, &[1.0], &mut Stream::derive(5, "test", index), &mut photo, &mut target).unwrap();
    (photo, target)
}

fn pair(width: u32, height: u32) -> Pair {
    let photo = drawing(width, height, 1);
    Pair { name: "p".into(), targets: vec![negative(&photo)], photo }
}

#[test]
fn photo_and_target_are_cropped_and_flipped_together() {
    let augment = Augment { crop: 16, ..Augment::default() };
    let mut seen = BTreeSet::new();
    for index in 0..40 {
        let (photo, target) = sample(&augment, &pair(40, 24), index);
        assert!(photo.iter().zip(&target).all(|(p, t)| (p + t).abs() < 1e-6 && p.abs() <= 1.0));
        seen.insert(photo.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
    }
    // 25 × 9 places, two ways round: 40 draws hardly ever coincide.
    assert!(seen.len() > 30, "{} different crops", seen.len());
}

#[test]
fn a_style_blends_the_targets_and_leaves_the_rest_to_the_photo() {
    let photo = drawing(16, 16, 1);
    let pair = Pair { name: "p".into(), targets: vec![negative(&photo), drawing(16, 16, 2)], photo };
    let augment = Augment { crop: 16, flip: 0.0, noise: 1.0, ..Augment::default() };
    let draw = |style: &[f32]| {
        let (mut seen, mut target) = (vec![9.0; augment.values()], vec![9.0; augment.values()]);
        augment.sample(&pair, style, &mut Stream::derive(5, "test", 0), &mut seen, &mut target).unwrap();
        (seen, target)
    };
    let (seen, photo) = draw(&[0.0, 0.0]);
    assert_eq!(seen, photo, "strength 0 asks for the photo as it is seen, noise and all");
    let ([_, first], [_, second]) = (<[_; 2]>::from(draw(&[1.0, 0.0])), <[_; 2]>::from(draw(&[0.0, 1.0])));
    let (_, mixed) = draw(&[0.25, 0.5]);
    for (i, mixed) in mixed.into_iter().enumerate() {
        let wanted = 0.25 * first[i] + 0.5 * second[i] + 0.25 * seen[i];
        assert!((mixed - wanted).abs() < 1e-5, "{mixed}, not {wanted}");
    }
}

#[test]
fn a_crop_of_the_whole_photo_is_the_photo() {
    let plain = Augment { crop: 16, flip: 0.0, ..Augment::default() };
    let pair = pair(16, 16);
    let (photo, _) = sample(&plain, &pair, 0);
    for (i, &value) in photo.iter().enumerate() {
        let (channel, at) = (i / 256, i % 256);
        assert_eq!(value, f32::from(pair.photo.rgb[at * 3 + channel]) / 127.5 - 1.0);
    }
    let (flipped, _) = sample(&Augment { flip: 1.0, ..plain }, &pair, 0);
    for (row, flipped) in photo.chunks(16).zip(flipped.chunks(16)) {
        assert!(row.iter().eq(flipped.iter().rev()));
    }
}

#[test]
fn small_photos_are_grown_by_reflection() {
    let augment = Augment { crop: 32, flip: 0.0, ..Augment::default() };
    for (width, height) in [(20, 32), (1, 40), (3, 5)] {
        let pair = pair(width, height);
        let pixels: BTreeSet<_> = pair.photo.rgb.chunks(3).map(<[u8]>::to_vec).collect();
        let (photo, target) = sample(&augment, &pair, 3);
        assert!(photo.iter().zip(&target).all(|(p, t)| (p + t).abs() < 1e-6));
        for at in 0..32 * 32 {
            let pixel: Vec<u8> = (0..3).map(|c| ((photo[c * 1024 + at] + 1.0) * 127.5).round() as u8).collect();
            assert!(pixels.contains(&pixel), "{width}×{height}: a pixel that the photo has not");
        }
    }
    // Rows of 0..20 in red: neighbours differ by one step everywhere, at the mirror too.
    let (photo, _) = sample(&augment, &pair(20, 32), 3);
    for row in photo[..1024].chunks(32) {
        assert!(row.windows(2).all(|w| ((w[0] - w[1]).abs() * 127.5 - 2.0).abs() < 1e-3));
    }
}

#[test]
fn damage_falls_on_the_photo_alone() {
    let pair = pair(40, 40);
    let clean = Augment { crop: 32, ..Augment::default() };
    for index in 0..8 {
        let (photo, target) = sample(&clean, &pair, index);
        for damaged in [
            Augment { noise: 1.0, noise_level: 20.0, ..clean.clone() },
            Augment { jpeg: 1.0, jpeg_quality: [10, 30], ..clean.clone() },
        ] {
            let (poor, same) = sample(&damaged, &pair, index);
            assert_eq!(same, target);
            let mean = photo.iter().zip(&poor).map(|(a, b)| (a - b).abs()).sum::<f32>() / photo.len() as f32;
            assert!(mean > 1e-4 && mean < 0.4, "mean change {mean}");
        }
    }
}

#[test]
fn settings_that_cannot_be_followed_are_refused() {
    let ok = Augment::default();
    assert!(ok.check().is_ok());
    for (wrong, word) in [
        (Augment { crop: 100, ..ok.clone() }, "crop is 100"),
        (Augment { scale: [1.2, 0.9], ..ok.clone() }, "scale"),
        (Augment { flip: 1.5, ..ok.clone() }, "flip is 1.5"),
        (Augment { noise: f32::NAN, ..ok.clone() }, "noise is NaN"),
        (Augment { jpeg_quality: [0, 50], ..ok.clone() }, "jpeg_quality"),
    ] {
        let text = wrong.check().unwrap_err().to_string();
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn an_epoch_holds_every_pair_once_in_an_order_of_its_own() {
    let dir = two_folders(9, 16, 16);
    let loader = loader(dir.path(), Augment { crop: 16, flip: 0.0, ..Augment::default() }, 2);
    assert!(matches!(
        Loader::new(Pairs::open(dir.path(), Split::Train, Direction::AtoB).unwrap(), rough(), 10, 0, 1),
        Err(DataError::Setting(text)) if text.contains("9 pairs do not fill a batch of 10")
    ));
    // Blue at (0, 0) tells the drawings apart: 7 k.
    let order = |epoch| -> Vec<u32> {
        let batches = all(&loader, epoch, 0);
        assert_eq!(batches.iter().map(|batch| batch.n).collect::<Vec<_>>(), [3, 3, 3]);
        assert_eq!(batches.iter().map(|batch| batch.step).collect::<Vec<_>>(), [0, 1, 2]);
        let blues = batches.iter().flat_map(|batch| batch.photo.chunks(3 * 256).map(|planes| planes[2 * 256]));
        blues.map(|blue| ((blue + 1.0) * 127.5).round() as u32 / 7).collect()
    };
    let (first, second) = (order(0), order(1));
    assert_ne!(first, second);
    for order in [first, second] {
        assert_eq!(order.into_iter().collect::<BTreeSet<_>>(), (0..9).collect());
    }
}

#[test]
fn batches_do_not_depend_on_the_threads() {
    let dir = two_folders(13, 48, 40);
    let one = all(&loader(dir.path(), rough(), 1), 4, 0);
    assert_eq!(one.len(), 4);
    assert_eq!(one, all(&loader(dir.path(), rough(), 3), 4, 0));
    assert_eq!(one, all(&loader(dir.path(), rough(), 9), 4, 0));
    assert_ne!(one[0].photo, all(&loader(dir.path(), rough(), 1), 5, 0)[0].photo);
}

#[test]
fn an_epoch_resumed_at_a_step_gives_the_same_batches() {
    let dir = two_folders(13, 48, 40);
    let whole = all(&loader(dir.path(), rough(), 2), 1, 0);
    for start in 1..=5 {
        assert_eq!(all(&loader(dir.path(), rough(), 3), 1, start), whole[start.min(4)..]);
    }
}

#[test]
fn a_broken_pair_ends_the_epoch_with_its_name() {
    let dir = two_folders(4, 16, 16);
    std::fs::write(dir.path().join("B/train/02.png"), b"").unwrap();
    let answers: Vec<_> = loader(dir.path(), rough(), 2).epoch(0, 0).collect();
    let text = answers.last().unwrap().as_ref().unwrap_err().to_string();
    assert!(text.contains("B/train/02.png"), "{text}");
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
}

#[test]
fn an_epoch_can_be_left_early_and_counts_its_waiting() {
    let dir = two_folders(13, 48, 40);
    let loader = loader(dir.path(), rough(), 2);
    let mut epoch = loader.epoch(0, 0);
    let began = std::time::Instant::now();
    epoch.next().unwrap().unwrap();
    // The first batch is drawn after the epoch began: there is something to wait for.
    assert!(epoch.waited() > std::time::Duration::ZERO && epoch.waited() <= began.elapsed());
    drop(epoch);
}
