//! PyTorch's checkpoints, imported and served: the pictures are those of the network that `tests/golden` holds to
//! PyTorch's values.

use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use reqwest::blocking::multipart::{Form, Part};
use sakuga::imaging::{Picture, tensor};
use sakuga::models::import::{Wanted, read};
use sakuga::nn::Pass;
use tempfile::TempDir;

use super::harness::Server;
use super::pictures::decoded;

fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.pth"))
}

fn import(folder: &Path, name: &str, flags: &[&str]) {
    let models = folder.join("models");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sakuga"));
    command.arg("import").arg(checkpoint(name)).args(["--name", name, "--models"]).arg(models).args(flags);
    assert!(command.status().unwrap().success(), "{name}");
}

fn photo(width: u32, height: u32) -> Picture {
    let pixels = 0..width * height;
    let rgb = pixels.clone().flat_map(|i| [i % 251, i * 7 % 253, i / width * 5 % 241]).map(|v| v as u8).collect();
    let alpha = pixels.map(|i| (i * 3 % 255) as u8).collect();
    Picture { width, height, rgb, alpha: Some(alpha) }
}

fn png(picture: &Picture) -> Vec<u8> {
    let image = RgbaImage::from_fn(picture.width, picture.height, |x, y| {
        let at = (y * picture.width + x) as usize;
        let alpha = picture.alpha.as_ref().map_or(255, |alpha| alpha[at]);
        Rgba([picture.rgb[3 * at], picture.rgb[3 * at + 1], picture.rgb[3 * at + 2], alpha])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(image).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn every_number_of_channels_is_drawn() {
    // Grey to colours, colours to grey, and with alpha.
    let models = [("unet_128_instance", 256, 128), ("resnet_9blocks", 48, 36), ("resnet_6blocks", 48, 36)];
    let folder = TempDir::new().unwrap();
    for (name, ..) in models {
        import(folder.path(), name, &["--at-test", "image"]);
    }
    let server = Server::start_with(folder, &["--precision", "f32"]);
    server.wait_until_ready();
    for (name, width, height) in models {
        let photo = photo(width, height);
        let wanted = Wanted { statistics: sakuga::nn::norm::Statistics::Image, ..Wanted::default() };
        let imported = read(&checkpoint(name), &wanted).unwrap();
        let (inputs, _) = imported.architecture.channels();
        let vb = VarBuilder::from_tensors(imported.tensors, DType::F32, &Device::Cpu);
        let seen = tensor::from_picture(&photo, inputs, &Device::Cpu).unwrap();
        let network = imported.architecture.build(vb).unwrap();
        let expected = tensor::to_picture(&network.forward(&seen, &Pass::INFERENCE).unwrap()).unwrap();

        let answer = server.draw(&format!("?model={name}&format=png"), &png(&photo));
        assert_eq!(answer.status(), 200, "{name}");
        let (drawn, _) = decoded(&answer.bytes().unwrap());
        let drawn = drawn.to_rgba8();
        let alpha = expected.alpha.as_ref().or(photo.alpha.as_ref()).unwrap();
        for (i, pixel) in drawn.pixels().enumerate() {
            let values = expected.rgb[3 * i..3 * i + 3].iter().chain([&alpha[i]]);
            let farthest = pixel.0.iter().zip(values).map(|(a, b)| a.abs_diff(*b)).max();
            // The service draws by the plan, whose sums in another order may round to the next of 256 values.
            assert!(farthest <= Some(1), "{name}: {:?} at {i}", pixel.0);
        }
    }
}

/// The reference implementation tests with dropout on; here a seed asks for that.
#[test]
fn a_seed_draws_with_dropout() {
    let folder = TempDir::new().unwrap();
    import(folder.path(), "resnet_9blocks", &["--at-test", "image"]);
    import(folder.path(), "resnet_9_dry", &["--at-test", "image"]);
    let server = Server::start_with(folder, &["--precision", "f32"]);
    server.wait_until_ready();
    let photo = png(&photo(48, 36));
    let draw = |query: &str| {
        let drawn = server.draw(&format!("?format=png&{query}"), &photo).bytes().unwrap();
        decoded(&drawn).0.to_luma8()
    };
    let dropped = "model=resnet_9blocks";
    let [none, one, two] = ["", "&seed=1", "&seed=2"].map(|seed| draw(&format!("{dropped}{seed}")));
    assert!(none != one && one != two, "each seed has masks of its own");
    assert!(one == draw(&format!("{dropped}&seed=1")), "and the same each time");
    let dry = "model=resnet_9_dry";
    assert!(draw(dry) == draw(&format!("{dry}&seed=1")), "without dropout a seed changes nothing");
}

#[test]
fn an_imported_discriminator_judges() {
    let folder = TempDir::new().unwrap();
    let judge = checkpoint("judge_basic");
    import(folder.path(), "unet_128", &["--with-discriminator", judge.to_str().unwrap()]);
    let server = Server::start_with(folder, &[]);
    server.wait_until_ready();
    let picture = || Part::bytes(png(&photo(64, 48)));
    let form = Form::new().part("image", picture()).part("picture", picture());
    let answer = reqwest::blocking::Client::new().post(server.url("/v1/score")).multipart(form).send().unwrap();
    assert_eq!(answer.status(), 200);
    let realism: f64 = answer.headers()["x-sakuga-realism"].to_str().unwrap().parse().unwrap();
    assert!((0.0..=1.0).contains(&realism));
}
