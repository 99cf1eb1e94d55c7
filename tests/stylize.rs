//! `sakuga stylize` from outside: the real binary, real files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "http/tiny.rs"]
mod tiny;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sakuga::imaging::{Format, Limits, Picture, decode, encode};
use tempfile::TempDir;

/// A folder with a tiny model and room for photos.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        tiny::publish_with(folder.path(), "anime", &["cel"]);
        Desk { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A photo of a gradient, whose blue tells it from others.
    fn photo(&self, name: &str, blue: u8) -> PathBuf {
        self.photo_of(name, (40, 30), blue)
    }

    fn photo_of(&self, name: &str, (width, height): (u8, u8), blue: u8) -> PathBuf {
        let format = Format::from_name(name.rsplit('.').next().unwrap()).unwrap();
        let mut rgb = Vec::new();
        for y in 0..height {
            for x in 0..width {
                rgb.extend_from_slice(&[5 * x, 6 * y, blue]);
            }
        }
        let picture = Picture { width: width.into(), height: height.into(), rgb, alpha: None };
        let bytes = match format {
            Format::Bmp | Format::Gif => {
                let mut bytes = std::io::Cursor::new(Vec::new());
                let kind = if format == Format::Bmp { image::ImageFormat::Bmp } else { image::ImageFormat::Gif };
                let buffer = image::RgbImage::from_raw(width.into(), height.into(), picture.rgb).unwrap();
                buffer.write_to(&mut bytes, kind).unwrap();
                bytes.into_inner()
            }
            _ => encode(&picture, format, None).unwrap(),
        };
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn stylize(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sakuga"))
            .current_dir(self.folder.path())
            .args(["stylize", "--device", "cpu"])
            .args(args)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn draws(&self, args: &[&str]) {
        let output = self.stylize(args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!((output.stdout.len(), stderr(&output).as_str()), (0, ""));
    }

    /// Fails with `code`, and says `needle`.
    #[track_caller]
    fn fails(&self, code: i32, needle: &str, args: &[&str]) -> String {
        let output = self.stylize(args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(needle), "{text}");
        if code == 1 {
            assert!(text.lines().all(|line| line.starts_with("error: ")), "{text}");
        }
        text
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn drawn(path: &Path) -> (Picture, Format) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let decoded = decode(&bytes, &Limits::default()).unwrap();
    (decoded.picture, decoded.format)
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn the_extension_is_the_format() {
    let desk = Desk::new();
    desk.photo("photo.jpg", 90);
    for (out, format) in [("a.png", Format::Png), ("a.jpeg", Format::Jpeg), ("a.WEBP", Format::WebP)] {
        desk.draws(&["photo.jpg", "-o", out]);
        let (picture, found) = drawn(&desk.path(out));
        assert_eq!((picture.width, picture.height, found), (40, 30, format));
    }
    // It is a drawing, not the photo: the tiny model brightens.
    let mean = |picture: &Picture| picture.rgb.iter().map(|&v| u64::from(v)).sum::<u64>() / 3600;
    assert!(mean(&drawn(&desk.path("a.png")).0) > mean(&drawn(&desk.path("photo.jpg")).0) + 5);
    desk.draws(&["photo.jpg", "-o", "named", "--format", "png"]);
    assert_eq!(drawn(&desk.path("named")).1, Format::Png);
}

#[test]
fn the_same_photo_gives_the_same_bytes_for_everybody_to_read() {
    let desk = Desk::new();
    desk.photo("photo.jpg", 90);
    desk.draws(&["photo.jpg", "-o", "a.webp"]);
    desk.draws(&["photo.jpg", "-o", "b.webp"]);
    assert_eq!(fs::read(desk.path("a.webp")).unwrap(), fs::read(desk.path("b.webp")).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(desk.path("a.webp")).unwrap().permissions().mode() & 0o444, 0o444);
    }
    assert_eq!(names(desk.folder.path()), ["a.webp", "b.webp", "models", "photo.jpg", "weights"]);
}

#[test]
fn flags_reach_the_drawing() {
    let desk = Desk::new();
    desk.photo("photo.png", 90);
    desk.draws(&["photo.png", "-o", "still.png", "--strength", "0"]);
    assert_eq!(drawn(&desk.path("still.png")).0, drawn(&desk.path("photo.png")).0);
    desk.draws(&["photo.png", "-o", "small.png", "--max-side", "20"]);
    let small = drawn(&desk.path("small.png")).0;
    assert_eq!((small.width, small.height), (20, 15));
    desk.draws(&["photo.png", "-o", "back.png", "--max-side", "20", "--size", "original"]);
    let back = drawn(&desk.path("back.png")).0;
    assert_eq!((back.width, back.height), (40, 30));
    desk.draws(&["photo.png", "-o", "low.jpg", "--quality", "5", "--model", "anime", "--style", "cel"]);
    desk.draws(&["photo.png", "-o", "high.jpg", "--quality", "95", "--seed", "7"]);
    let size = |name| fs::metadata(desk.path(name)).unwrap().len();
    assert!(size("low.jpg") < size("high.jpg"));
}

/// The kept candidate is the one that its seed alone draws, and the same each time; with more to choose from the judge
/// finds none that it likes less.
#[test]
fn the_candidate_that_looks_most_real_is_kept() {
    let desk = Desk::new();
    tiny::publish_by_chance(desk.folder.path(), "chance");
    // A judge needs 32 pixels a side.
    desk.photo_of("photo.png", (48, 36), 90);
    desk.photo_of("other.png", (48, 36), 20);
    let choose = |count: &str, out: &str| {
        let output = desk.stylize(&["photo.png", "-o", out, "--model", "chance", "--candidates", count, "--seed", "7"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{text}");
        let told = text.strip_prefix(&format!("photo.png: of {count} drawings that of --seed ")).unwrap();
        let (seed, rest) = told.split_once(" looks most real (").unwrap();
        let realism: f32 = rest.strip_suffix(" of 1)\n").unwrap().parse().unwrap();
        (seed.parse::<u64>().unwrap(), realism)
    };
    let (seed, best) = choose("6", "best.png");
    assert!((7..13).contains(&seed));
    assert_eq!(choose("6", "again.png"), (seed, best));
    desk.draws(&["photo.png", "-o", "alone.png", "--model", "chance", "--seed", &seed.to_string()]);
    let bytes = |name: &str| fs::read(desk.path(name)).unwrap();
    assert!(bytes("best.png") == bytes("alone.png") && bytes("best.png") == bytes("again.png"));
    let (first, realism) = choose("1", "first.png");
    assert!(first == 7 && realism <= best);
    assert!(seed == 7 || bytes("first.png") != bytes("best.png"));
    let output = desk.stylize(&["photo.png", "other.png", "-o", "drawn", "--model", "chance", "--candidates", "2"]);
    assert_eq!((output.status.code(), stderr(&output).lines().count()), (Some(0), 2));
    desk.fails(1, "the same way each time", &["photo.png", "-o", "c.png", "--candidates", "2"]);
    desk.fails(2, "--candidates", &["photo.png", "-o", "c.png", "--candidates", "0"]);
}

#[test]
fn many_photos_go_into_a_folder_under_their_names() {
    let desk = Desk::new();
    desk.photo("a.jpg", 10);
    desk.photo("b.JPEG", 90);
    desk.photo("c.webp", 130);
    desk.photo("d.bmp", 170);
    desk.photo("e.png", 250);
    let photos = ["a.jpg", "b.JPEG", "c.webp", "d.bmp", "e.png"];
    desk.draws(&[&photos[..], &["-o", "new/drawn"]].concat());
    // GIF and BMP are read, not written.
    assert_eq!(names(&desk.path("new/drawn")), ["a.jpg", "b.JPEG", "c.webp", "d.png", "e.png"]);
    assert_eq!(drawn(&desk.path("new/drawn/c.webp")).1, Format::WebP);
    desk.draws(&[&photos[..], &["-o", "new", "--format", "png"]].concat());
    assert_eq!(names(&desk.path("new")), ["a.png", "b.png", "c.png", "d.png", "drawn", "e.png"]);
    // Every photo is drawn under its own name: blue grows from a to e.
    let blue = |name: &str| {
        drawn(&desk.path("new").join(name)).0.rgb.iter().skip(2).step_by(3).map(|&v| u64::from(v)).sum::<u64>()
    };
    let blues = ["a.png", "b.png", "c.png", "d.png", "e.png"].map(blue);
    assert!(blues.is_sorted_by(|a, b| a < b), "{blues:?}");
}

#[test]
fn a_folder_means_the_pictures_in_it() {
    let desk = Desk::new();
    desk.photo("holiday/one.jpg", 10);
    desk.photo("holiday/two.png", 90);
    desk.photo("holiday/deeper/three.jpg", 90);
    fs::write(desk.path("holiday/notes.jpg"), "not a picture").unwrap();
    desk.photo("four.jpg", 130);
    desk.draws(&["holiday", "four.jpg", "-o", "drawn"]);
    assert_eq!(names(&desk.path("drawn")), ["four.jpg", "one.jpg", "two.png"]);
    desk.fails(1, "holds no picture", &["models", "-o", "drawn"]);
}

#[test]
fn one_photo_into_a_folder_keeps_its_name() {
    let desk = Desk::new();
    desk.photo("photo.jpg", 90);
    desk.draws(&["photo.jpg", "-o", "drawn/"]);
    desk.draws(&["photo.jpg", "-o", "drawn", "--format", "webp"]);
    assert_eq!(names(&desk.path("drawn")), ["photo.jpg", "photo.webp"]);
}

#[test]
fn a_bad_photo_does_not_stop_the_others() {
    let desk = Desk::new();
    desk.photo("a.jpg", 90);
    desk.photo("c.jpg", 90);
    let whole = fs::read(desk.path("a.jpg")).unwrap();
    fs::write(desk.path("b.jpg"), &whole[..whole.len() / 2]).unwrap();
    let text = desk.fails(
        1,
        "error: b.jpg: the JPEG file is cut off",
        &["a.jpg", "b.jpg", "gone.jpg", "c.jpg", "-o", "drawn"],
    );
    assert!(text.contains("error: gone.jpg: cannot be read"), "{text}");
    assert!(text.contains("error: 2 of 4 photos could not be drawn"), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");
    assert_eq!(names(&desk.path("drawn")), ["a.jpg", "c.jpg"]);
    let text = desk.fails(1, "error: b.jpg: the JPEG file is cut off", &["b.jpg", "-o", "b.png"]);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!desk.path("b.png").exists());
}

#[test]
fn what_does_not_fit_is_said_before_anything_is_drawn() {
    let desk = Desk::new();
    desk.photo("a.jpg", 90);
    desk.photo("a.png", 90);
    desk.photo("b.jpg", 90);
    desk.fails(1, "a.jpg and a.png have one base name", &["a.jpg", "a.png", "b.jpg", "-o", "drawn"]);
    desk.fails(1, "must be a folder", &["a.jpg", "b.jpg", "-o", "a.png"]);
    desk.fails(1, ".png, .jpg or .webp", &["a.jpg", "-o", "anime"]);
    desk.fails(1, ".png, .jpg or .webp", &["a.jpg", "-o", "anime.gif"]);
    desk.fails(1, "--format says JPEG", &["a.jpg", "-o", "anime.png", "--format", "jpeg"]);
    desk.fails(1, "take the place of a.jpg", &["a.jpg", "-o", "a.jpg"]);
    desk.fails(1, "take the place of b.jpg", &["b.jpg", "-o", "."]);
    desk.fails(1, "doesn't exist", &["a.jpg", "-o", "nowhere/a.png"]);
    desk.fails(1, "`nobody`", &["a.jpg", "-o", "c.png", "--model", "nobody"]);
    desk.fails(1, "`ink` is not a style", &["a.jpg", "-o", "c.png", "--style", "ink"]);
    desk.fails(1, "max_side", &["a.jpg", "-o", "c.png", "--max-side", "1000000"]);
    assert_eq!(names(desk.folder.path()), ["a.jpg", "a.png", "b.jpg", "models", "weights"]);
}

#[test]
fn wrong_usage_is_two() {
    let desk = Desk::new();
    desk.photo("a.jpg", 90);
    desk.fails(2, "PHOTO", &["-o", "a.png"]);
    desk.fails(2, "--output", &["a.jpg"]);
    for (flag, value) in [
        ("--strength", "1.5"),
        ("--strength", "NaN"),
        ("--quality", "0"),
        ("--quality", "101"),
        ("--max-side", "0"),
        ("--size", "huge"),
        ("--format", "gif"),
        ("--device", "abacus"),
        ("--precision", "f8"),
        ("--seed", "seven"),
    ] {
        desk.fails(2, flag, &["a.jpg", "-o", "b.png", flag, value]);
    }
}

#[test]
fn the_environment_stands_in_for_flags() {
    let desk = Desk::new();
    desk.photo("a.jpg", 90);
    let run = |variable: &str, value: &OsStr| {
        Command::new(env!("CARGO_BIN_EXE_sakuga"))
            .current_dir(std::env::temp_dir())
            .args([
                OsStr::new("stylize"),
                desk.path("a.jpg").as_os_str(),
                OsStr::new("-o"),
                desk.path("b.png").as_os_str(),
            ])
            .env("SAKUGA_DEVICE", "cpu")
            .env("SAKUGA_MODELS", desk.path("models"))
            .env(variable, value)
            .output()
            .unwrap()
    };
    let output = run("SAKUGA_THREADS", OsStr::new("1"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(run("SAKUGA_DEVICE", OsStr::new("abacus")).status.code(), Some(2));
    assert_eq!(run("SAKUGA_PRECISION", OsStr::new("f8")).status.code(), Some(2));
    assert_eq!(run("SAKUGA_MODELS", desk.path("nowhere").as_os_str()).status.code(), Some(1));
}
