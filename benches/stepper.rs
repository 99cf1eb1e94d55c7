//! Sakuga's side of the training part of `make bench`: steps when it is asked
//! to, and says how long it took. `benches/peers/stepper.py` speaks the same.
//!
//! `stepper NAME WIDTH BATCH SIDE THREADS DEVICE [mixed]` builds a generator and a PatchGAN
//! of WIDTH filters and answers `ready DESCRIPTION`; with `mixed` it convolves in bf16. Each line on stdin is one
//! step of both (cross entropy, 100 times L1, Adam), answered by its
//! milliseconds, the most memory that the process has had, in MiB, and the L1 loss.

use candle_core::{DType, Tensor};
use sakuga::cli::threads::use_threads;
use sakuga::models::{Architecture, DeviceChoice};
use sakuga::nn::anime::AnimeConfig;
use sakuga::nn::patch_gan::PatchGanConfig;
use sakuga::nn::pix2pix::Pix2pixConfig;
use sakuga::train::recipe::{Recipe, Stage};
use sakuga::train::trainer::{Sample, Trainer};
use std::io::{BufRead, Write};
use std::time::Instant;

/// What the binaries run with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (mixed, arguments) = match arguments.as_slice() {
        [arguments @ .., last] if last == "mixed" => (true, arguments),
        arguments => (false, arguments),
    };
    let [name, width, batch, side, threads, device] = arguments else {
        // Run by `cargo bench` alone, there is nobody to ask for steps.
        println!("driven by benches/training.py: make bench-training");
        return Ok(());
    };
    use_threads(Some(threads.parse()?))?;
    let (device, _) = device.parse::<DeviceChoice>()?.open()?;
    let (width, batch, side): (usize, usize, usize) = (width.parse()?, batch.parse()?, side.parse()?);
    let architecture = match name.as_str() {
        "unet_256" => Architecture::UNet256(Pix2pixConfig { width, ..Pix2pixConfig::default() }),
        "anime" => Architecture::Anime(AnimeConfig::default()),
        _ => return Err(format!("there is no {name}").into()),
    };
    let recipe = Recipe {
        architecture,
        batch,
        mixed_precision: mixed,
        discriminator: PatchGanConfig { width, ..PatchGanConfig::default() },
        ..Recipe::built_in("pix2pix").ok_or("no such recipe")??
    };
    let mut trainer = Trainer::new(recipe, device.clone())?;
    let picture = |seed: f32| {
        let values = (0..batch * 3 * side * side).map(|i| (0.37 * i as f32 + seed).sin()).collect();
        Tensor::from_vec::<_, f32>(values, (batch, 3, side, side), &device)
    };
    let sample =
        Sample { photo: picture(0.0)?, target: picture(1.0)?, style: Tensor::zeros((batch, 1), DType::F32, &device)? };
    let stage = Stage { rate: 1.0, sharpness: 0.0, adversarial: true };

    let mut out = std::io::stdout().lock();
    let precision = match (mixed, device.is_cpu(), sakuga::nn::autocast::fast_on_cpu()) {
        (false, ..) => "f32",
        (true, false, _) => "mixed",
        (true, true, true) => "mixed by AMX",
        (true, true, false) => "mixed, emulated",
    };
    writeln!(out, "ready Sakuga {}, {precision}", env!("CARGO_PKG_VERSION"))?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let start = Instant::now();
        let losses = trainer.step(&sample, stage)?;
        device.synchronize()?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        if !losses.are_sound() {
            return Err("the step diverged".into());
        }
        writeln!(out, "{ms} {} {}", most_memory()?, losses.l1)?;
        out.flush()?;
    }
    Ok(())
}

/// The process's peak resident memory in MiB, as Linux counts it.
fn most_memory() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
}
