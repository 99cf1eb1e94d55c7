//! The engine without HTTP: its queue, its tiles, and what it survives.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "http/tiny.rs"]
mod tiny;

use std::time::{Duration, Instant};

use candle_core::Device;
use sakuga::engine::{Engine, EngineConfig, EngineError, Health, Job};
use sakuga::imaging::Picture;
use sakuga::models::Registry;
use tempfile::TempDir;

/// An engine with the tiny model that has started; `tile` and `queue` as given.
fn engine(tile: usize, queue: usize) -> Engine {
    let models = TempDir::new().unwrap();
    tiny::publish_with(models.path(), "anime", &["cel"]);
    engine_of(&models, tile, queue)
}

/// An engine with the models of that folder.
fn engine_of(models: &TempDir, tile: usize, queue: usize) -> Engine {
    let registry = Registry::open(Some(&models.path().join("models"))).unwrap();
    let engine = Engine::start(EngineConfig { tile, queue, ..EngineConfig::new(registry, Device::Cpu) }).unwrap();
    let start = Instant::now();
    while engine.health() == Health::Starting {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(engine.health(), Health::Ready);
    engine
}

/// Detail everywhere, so that a seam would be seen.
fn photo(width: u32, height: u32) -> Picture {
    let mut state = 7u32;
    let rgb = (0..width * height * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    Picture { width, height, rgb, alpha: None }
}

fn job(photo: Picture) -> Job {
    Job { photo, model: None, style: None, strength: 1.0, seed: None, max_side: Some(8192), original_size: false }
}

#[test]
fn styles_mix_and_strength_is_the_networks() {
    let models = TempDir::new().unwrap();
    tiny::publish_with(models.path(), "anime", &["cel", "gouache"]);
    let engine = engine_of(&models, 4096, 4);
    let draw = |style: Option<&str>, strength| {
        let job = Job { style: style.map(str::to_owned), strength, ..job(photo(64, 48)) };
        engine.draw_blocking(job).map(|drawing| drawing.picture.rgb)
    };
    let light = |rgb: Vec<u8>| rgb.into_iter().map(u64::from).sum::<u64>();
    assert_eq!(draw(None, 1.0).unwrap(), draw(Some("cel"), 1.0).unwrap());
    let steps = ["cel", "cel:3,gouache:1", "cel:0.5,gouache:0.5", "gouache"];
    let steps = steps.map(|style| light(draw(Some(style), 1.0).unwrap()));
    assert!(steps.is_sorted_by(|a, b| a < b), "each is brighter than the one before: {steps:?}");
    let weaker = [0.25, 0.5, 1.0].map(|strength| light(draw(Some("gouache"), strength).unwrap()));
    assert!(weaker.is_sorted_by(|a, b| a < b), "{weaker:?}");
    assert_eq!(draw(Some("gouache"), 0.0).unwrap(), photo(64, 48).rgb);
    let error = draw(Some("cel:1,oil:2"), 1.0).unwrap_err();
    assert!(matches!(&error, EngineError::BadParameter { name: "style", .. }), "{error}");
}

#[test]
fn tiles_draw_what_the_whole_draws() {
    let (whole, tiled) = (engine(4096, 4), engine(96, 4));
    for (width, height) in [(300, 200), (97, 1), (203, 131), (1, 250), (96, 96)] {
        let expected = whole.draw_blocking(job(photo(width, height))).unwrap().picture;
        let drawn = tiled.draw_blocking(job(photo(width, height))).unwrap().picture;
        assert_eq!((drawn.width, drawn.height), (width, height));
        assert_ne!(expected, photo(width, height), "the model does something");
        let farthest = drawn.rgb.iter().zip(&expected.rgb).map(|(a, b)| a.abs_diff(*b)).max();
        // Sums in another order may round to the next of 256 values.
        assert!(farthest <= Some(1), "{width}x{height}: {farthest:?}");
    }
}

#[test]
fn a_job_that_panics_is_that_jobs_error_alone() {
    let engine = engine(96, 4);
    // A picture that lies about its size: cutting it into tiles panics.
    let broken = Picture { width: 200, height: 64, rgb: vec![0; 7], alpha: None };
    let error = engine.draw_blocking(job(broken)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, EngineError::Forward(reason) if reason.contains("panic")), "{error:?}");
    assert!(engine.draw_blocking(job(photo(20, 20))).is_ok());
    assert_eq!((engine.failures(), engine.drawn(), engine.health()), (1, 1, Health::Ready));
}

#[test]
fn wrong_settings_are_refused() {
    let engine = engine(1024, 4);
    let refused = |change: fn(&mut Job)| {
        let mut job = job(photo(4, 4));
        change(&mut job);
        engine.draw_blocking(job).map(|_| ()).unwrap_err()
    };
    let unknown = refused(|job| job.model = Some("nobody".into()));
    assert_eq!(unknown, EngineError::UnknownModel { name: "nobody".into(), names: vec!["anime".into()] });
    for (name, change) in [
        ("style", (|job| job.style = Some("none".into())) as fn(&mut Job)),
        ("strength", |job| job.strength = f32::NAN),
        ("max_side", |job| job.max_side = Some(0)),
        ("max_side", |job| job.max_side = Some(u32::MAX)),
    ] {
        let error = refused(change);
        assert!(matches!(error, EngineError::BadParameter { name: wrong, .. } if wrong == name), "{error:?}");
    }
}

#[tokio::test]
async fn a_job_whose_requester_has_gone_is_not_drawn() {
    let engine = engine(4096, 4);
    let prepare =
        async |side| engine.enter().unwrap().admit(64).unwrap().prepare(job(photo(side, side))).await.unwrap();
    let (long, gone) = (prepare(1500).await, prepare(8).await);
    // Polled once, each is in the queue; then the second requester goes.
    let mut long = Box::pin(long.draw());
    assert!(tokio::time::timeout(Duration::ZERO, &mut long).await.is_err());
    assert!(tokio::time::timeout(Duration::ZERO, gone.draw()).await.is_err());
    assert!(engine.draw(job(photo(8, 8))).await.is_ok());
    assert!(long.await.is_ok());
    assert_eq!(engine.drawn(), 2);
}

#[tokio::test]
async fn pictures_drawn_together_are_those_drawn_alone() {
    let engine = engine(4096, 16);
    let shaded = |shade: u8| {
        let mut photo = photo(60, 44);
        photo.rgb.iter_mut().step_by(7).for_each(|value| *value = shade);
        photo
    };
    let mut alone = Vec::new();
    for shade in 0..6 {
        alone.push(engine.draw(job(shaded(shade))).await.unwrap().picture);
    }
    let prepare = async |photo: Picture| {
        let pixels = u64::from(photo.width * photo.height);
        engine.enter().unwrap().admit(pixels).unwrap().prepare(job(photo)).await.unwrap()
    };
    // While a large one is drawn, the small ones wait for their turn, a broken one among them.
    let mut waiting = vec![Box::pin(prepare(photo(1500, 1500)).await.draw())];
    let broken = Picture { rgb: vec![0; 7], ..photo(60, 44) };
    for photo in [shaded(0), shaded(1), broken, shaded(2), shaded(3), shaded(4), shaded(5)] {
        waiting.push(Box::pin(prepare(photo).await.draw()));
    }
    for drawing in &mut waiting {
        assert!(tokio::time::timeout(Duration::ZERO, drawing).await.is_err());
    }
    let mut drawn = Vec::new();
    for drawing in waiting {
        drawn.push(drawing.await.map(|drawing| drawing.picture));
    }
    assert!(matches!(&drawn.remove(3), Err(EngineError::Forward(_))), "the broken one fails alone");
    let together: Vec<_> = drawn.into_iter().skip(1).map(Result::unwrap).collect();
    assert_eq!(together.len(), alone.len());
    assert!(together == alone, "a batch changes a picture");
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_place_given_up_is_free() {
    let engine = engine(1024, 1);
    let place = engine.enter().unwrap().admit(64).unwrap();
    let Err(EngineError::Busy { retry_after }) = engine.enter().unwrap().admit(64) else { panic!("not busy") };
    assert!(retry_after >= Duration::from_secs(1));
    drop(place);
    assert!(engine.draw(job(photo(8, 8))).await.is_ok());
}

#[tokio::test]
async fn who_has_entered_is_drawn_even_when_the_engine_drains() {
    let engine = engine(1024, 1);
    let ticket = engine.enter().unwrap();
    engine.drain();
    assert!(matches!(engine.enter(), Err(EngineError::Draining)));
    let prepared = ticket.admit(64).unwrap().prepare(job(photo(8, 8))).await.unwrap();
    assert!(prepared.draw().await.is_ok());
}
