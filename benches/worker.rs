//! Sakuga's side of `make bench`: draws when it is asked to, and says how long
//! it took. `benches/peers/worker.py` speaks the same for the others.
//!
//! `worker NAME PRECISION THREADS FOLDER DEVICE` loads `FOLDER/models/NAME.toml` and answers
//! `ready DESCRIPTION`. Each line `BATCH SIDE [FILE]` on stdin draws BATCH
//! pictures of `FOLDER/photos-SIDE.f32` once, its photos in turn, writes them to FILE if one
//! is named, and is answered by the milliseconds from tensor to tensor on DEVICE.

use candle_core::{Device, Tensor};
use sakuga::cli::threads::use_threads;
use sakuga::models::{DeviceChoice, Model, Registry, Style};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the binaries run with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [name, precision, threads, folder, device] = arguments.as_slice() else {
        // Run by `cargo bench` alone, there is nobody to ask for pictures.
        println!("driven by benches/infer.py: make bench");
        return Ok(());
    };
    use_threads(Some(threads.parse()?))?;
    let folder = PathBuf::from(folder);
    let (device, _) = device.parse::<DeviceChoice>()?.open()?;
    let model = Registry::open(Some(&folder.join("models")))?.load(name, &device, precision.parse()?)?;
    let style = Style::of(model.card(), None, 1.0)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready Sakuga {}, {}", env!("CARGO_PKG_VERSION"), model.instructions())?;
    out.flush()?;

    let mut photos = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let [batch, side, file @ ..] = words.as_slice() else { return Err(format!("what is {line:?}?").into()) };
        let key: (usize, usize) = (batch.parse()?, side.parse()?);
        let photo = match photos.entry(key) {
            Entry::Occupied(photo) => photo.into_mut(),
            Entry::Vacant(place) => place.insert(read(&folder, key)?.to_device(&device)?),
        };
        let (picture, ms) = draw(&model, photo, &style)?;
        if let [file] = file {
            let bytes: Vec<u8> = picture.to_vec1::<f32>()?.iter().flat_map(|value| value.to_le_bytes()).collect();
            std::fs::write(file, bytes)?;
        }
        writeln!(out, "{ms}")?;
        out.flush()?;
    }
    Ok(())
}

/// `(N, 3, side, side)` in −1..1.
fn read(folder: &Path, (batch, side): (usize, usize)) -> Result<Tensor> {
    let bytes = std::fs::read(folder.join(format!("photos-{side}.f32")))?;
    let (floats, _) = bytes.as_chunks();
    let wanted = batch * 3 * side * side;
    let floats: Vec<f32> = floats.iter().cycle().take(wanted).map(|float| f32::from_le_bytes(*float)).collect();
    Ok(Tensor::from_vec(floats, (batch, 3, side, side), &Device::Cpu)?)
}

/// The pictures' values, flat, and the milliseconds it took to have them.
fn draw(model: &Model, photo: &Tensor, style: &Style) -> Result<(Tensor, f64)> {
    let start = Instant::now();
    let picture = model.draw(photo, style)?.flatten_all()?;
    if photo.device().is_cpu() {
        // Taken out of the tensor, as the peers hand over theirs.
        picture.to_vec1::<f32>()?;
    }
    photo.device().synchronize()?;
    Ok((picture, start.elapsed().as_secs_f64() * 1e3))
}
