//! `sakuga-train looks`: photos into the looks that a generator learns.

use super::progress::counted;
use crate::imaging::{self, Format, Limits};
use crate::looks::Look;
use crate::models::publish::replace;
use anyhow::{Context, ensure};
use indicatif::ProgressBar;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Renders a target look of one photo, or of every photo in a folder.
#[derive(Debug, clap::Args)]
pub struct LooksArgs {
    /// The look: cel, gouache, luminous or ink
    #[arg(long, value_name = "NAME")]
    pub look: Look,
    /// A photo, or a folder of photos
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// The picture to write, its extension the format; or a folder, made if missing, for PNG files of the
    /// photos' base names
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
}

/// Runs `sakuga-train looks`.
///
/// # Errors
///
/// A photo that cannot be read or a picture that cannot be written, and in a folder two photos with one base
/// name or no photo at all. In a folder, the pictures that were finished stay.
pub fn run(args: LooksArgs) -> anyhow::Result<()> {
    if args.input.is_dir() {
        return folder(args.look, &args.input, &args.output);
    }
    let format = format_of(&args.output)
        .filter(|format| format.writable())
        .with_context(|| format!("{}: name a file that ends in .png, .jpg or .webp", args.output.display()))?;
    ensure!(!args.output.is_dir(), "{}: IN is one photo, so OUT must be a file", args.output.display());
    render(args.look, &args.input, &args.output, format)
}

/// Renders every photo of `input` (not of folders in it) into `output`, as many at once as there are threads.
fn folder(look: Look, input: &Path, output: &Path) -> anyhow::Result<()> {
    let photos = photos(input)?;
    fs::create_dir_all(output).with_context(|| format!("cannot make the folder {}", output.display()))?;
    let bar = ProgressBar::new(photos.len() as u64).with_style(counted("photos"));
    photos.into_par_iter().try_for_each(|(mut name, photo): (OsString, PathBuf)| {
        name.push(".png");
        render(look, &photo, &output.join(name), Format::Png)?;
        bar.inc(1);
        Ok(())
    })
}

/// The photos of a folder by base name, told from other files by their extensions.
fn photos(folder: &Path) -> anyhow::Result<BTreeMap<OsString, PathBuf>> {
    let mut photos = BTreeMap::new();
    let unreadable = || format!("cannot read the folder {}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let (Some(base), Some(_)) = (path.file_stem(), format_of(&path)) else { continue };
        let base = base.to_owned();
        if let Some(other) = photos.insert(base, path.clone()) {
            anyhow::bail!("{} and {} would both become one picture: rename one", other.display(), path.display());
        }
    }
    ensure!(
        !photos.is_empty(),
        "no photo in {}: it should hold .jpg, .png, .webp, .gif or .bmp files",
        folder.display()
    );
    Ok(photos)
}

fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let extension = if extension == "jpeg" { "jpg" } else { &extension };
    [Format::Jpeg, Format::Png, Format::WebP, Format::Gif, Format::Bmp].into_iter().find(|f| f.extension() == extension)
}

/// One photo into one picture, written beside its place and renamed.
fn render(look: Look, photo: &Path, picture: &Path, format: Format) -> anyhow::Result<()> {
    let bytes = fs::read(photo).with_context(|| format!("cannot read {}", photo.display()))?;
    let decoded = imaging::decode(&bytes, &Limits::default()).with_context(|| photo.display().to_string())?;
    let bytes = imaging::encode(&look.render(&decoded.picture), format, None)?;
    Ok(replace(picture, &bytes)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::imaging::Picture;

    fn save(path: &Path, format: Format) -> Picture {
        let rgb = (0..9 * 7 * 3).map(|i| (i * 37 % 256) as u8).collect();
        let picture = Picture { width: 9, height: 7, rgb, alpha: None };
        fs::write(path, imaging::encode(&picture, format, None).unwrap()).unwrap();
        picture
    }

    fn looks(look: Look, input: &Path, output: &Path) -> Result<(), String> {
        run(LooksArgs { look, input: input.into(), output: output.into() }).map_err(|error| format!("{error:#}"))
    }

    fn open(path: &Path) -> (Picture, Format) {
        let decoded = imaging::decode(&fs::read(path).unwrap(), &Limits::default()).unwrap();
        (decoded.picture, decoded.format)
    }

    #[test]
    fn a_folder_becomes_a_folder_of_pngs() {
        let dir = tempfile::tempdir().unwrap();
        let (photos, drawn) = (dir.path().join("photos"), dir.path().join("made/drawn"));
        fs::create_dir(&photos).unwrap();
        let photo = save(&photos.join("a.b.png"), Format::Png);
        save(&photos.join("C.JPEG"), Format::Jpeg);
        fs::write(photos.join("notes.txt"), "no photo").unwrap();
        looks(Look::Ink, &photos, &drawn).unwrap();
        assert_eq!(fs::read_dir(&drawn).unwrap().count(), 2);
        assert_eq!(open(&drawn.join("a.b.png")), (Look::Ink.render(&photo), Format::Png));
        assert_eq!(open(&drawn.join("C.png")).1, Format::Png);
    }

    #[test]
    fn a_file_becomes_the_file_of_its_extension() {
        let dir = tempfile::tempdir().unwrap();
        let photo = dir.path().join("photo.png");
        save(&photo, Format::Png);
        for (name, format) in [("out.png", Format::Png), ("out.jpeg", Format::Jpeg), ("out.webp", Format::WebP)] {
            looks(Look::Cel, &photo, &dir.path().join(name)).unwrap();
            assert_eq!(open(&dir.path().join(name)).1, format);
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        let dir = tempfile::tempdir().unwrap();
        let (path, out) = (|name: &str| dir.path().join(name), dir.path().join("out"));
        fs::create_dir(path("empty")).unwrap();
        assert!(looks(Look::Cel, &path("empty"), &out).unwrap_err().contains("no photo in"));
        assert!(looks(Look::Cel, &path("gone.png"), &path("out.png")).unwrap_err().contains("gone.png"));

        let photo = path("photo.png");
        save(&photo, Format::Png);
        assert!(looks(Look::Cel, &photo, &path("out.gif")).unwrap_err().contains(".png, .jpg or .webp"));
        assert!(looks(Look::Cel, &photo, &path("empty")).unwrap_err().contains("empty"));
        save(&path("photo.jpg"), Format::Jpeg);
        assert!(looks(Look::Cel, dir.path(), &out).unwrap_err().contains("rename one"));
        fs::remove_file(path("photo.jpg")).unwrap();
        fs::write(path("broken.png"), b"\x89PNG\r\n\x1a\nno more").unwrap();
        assert!(looks(Look::Cel, dir.path(), &out).unwrap_err().contains("broken.png"));
    }
}
