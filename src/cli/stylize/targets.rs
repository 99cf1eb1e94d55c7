//! Which photos are meant, and where each one's drawing goes: all of it known
//! before the first is drawn.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::imaging::Format;

/// One photo and where its drawing goes.
#[derive(Debug)]
pub(super) struct Task {
    pub photo: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A file of its own.
    File(Target),
    /// A folder, with the photo's name; without a format, in the photo's own.
    Folder(PathBuf, Option<Format>),
}

/// A drawing's file and format.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub file: PathBuf,
    pub format: Format,
}

impl Task {
    /// Where the drawing goes, now that the photo's own format is known.
    pub fn target(&self, own: Format) -> Target {
        match &self.place {
            Place::File(target) => target.clone(),
            Place::Folder(folder, format) => {
                let format = format.unwrap_or(if own.writable() { own } else { Format::Png });
                Target { file: folder.join(file_name(&self.photo, format)), format }
            }
        }
    }
}

/// The photo's name; its extension too, where that means `format` (`.jpeg`).
fn file_name(photo: &Path, format: Format) -> PathBuf {
    let name = PathBuf::from(photo.file_name().unwrap_or_default());
    if extension_format(&name) == Some(format) {
        return name;
    }
    let mut stem = name.file_stem().unwrap_or_default().to_owned();
    stem.push(".");
    stem.push(format.extension());
    stem.into()
}

fn extension_format(path: &Path) -> Option<Format> {
    path.extension().and_then(OsStr::to_str).and_then(Format::from_name)
}

/// What to draw, by PHOTO…, OUT and `--format`.
///
/// # Errors
/// Where a photo isn't there, two have one base name, or OUT doesn't fit.
pub(super) fn plan(photos: &[PathBuf], output: &Path, format: Option<Format>) -> anyhow::Result<Vec<Task>> {
    let into_folder =
        photos.len() > 1 || photos.iter().any(|photo| photo.is_dir()) || output.is_dir() || ends_with_separator(output);
    let photos = expand(photos)?;
    if !into_folder {
        let target = file_target(output, format)?;
        return photos.into_iter().map(|photo| task(photo, Place::File(target.clone()))).collect();
    }
    refuse_equal_names(&photos)?;
    fs::create_dir_all(output)
        .with_context(|| format!("{} must be a folder for the drawings and cannot be made one", output.display()))?;
    photos.into_iter().map(|photo| task(photo, Place::Folder(output.to_owned(), format))).collect()
}

fn ends_with_separator(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(std::path::is_separator)
}

/// Folders become the pictures in them, by their bytes, in the order of their names.
fn expand(photos: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for photo in photos {
        if !photo.is_dir() {
            found.push(photo.clone());
            continue;
        }
        let unreadable = || format!("{} cannot be read", photo.display());
        let mut pictures = Vec::new();
        for entry in fs::read_dir(photo).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            if path.is_file() && is_picture(&path) {
                pictures.push(path);
            }
        }
        if pictures.is_empty() {
            bail!("{} holds no picture that we read (JPEG, PNG, WebP, GIF, BMP)", photo.display());
        }
        pictures.sort();
        found.append(&mut pictures);
    }
    Ok(found)
}

fn is_picture(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(32).read_to_end(&mut start));
    read.is_ok() && Format::sniff(&start).is_some()
}

fn refuse_equal_names(photos: &[PathBuf]) -> anyhow::Result<()> {
    let mut names = HashMap::new();
    for photo in photos {
        if let Some(other) = names.insert(photo.file_stem(), photo) {
            bail!(
                "{} and {} have one base name, so their drawings would too: draw them into different folders",
                other.display(),
                photo.display()
            );
        }
    }
    Ok(())
}

/// OUT as a file: its extension is the format.
fn file_target(output: &Path, format: Option<Format>) -> anyhow::Result<Target> {
    let named = extension_format(output);
    let format = match (named, format) {
        (Some(named), Some(format)) if named != format => {
            bail!("{} is named like a {named} file, and --format says {format}: change one", output.display())
        }
        (named, format) => match named.or(format) {
            Some(format) if format.writable() => format,
            _ => bail!(
                "{} says no format that we write: let it end in .png, .jpg or .webp, or say --format",
                output.display()
            ),
        },
    };
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!("the folder {} doesn't exist: make it first", folder.display());
    }
    Ok(Target { file: output.to_owned(), format })
}

/// The task, unless its drawing would take its photo's place.
fn task(photo: PathBuf, place: Place) -> anyhow::Result<Task> {
    let drawing = match &place {
        Place::File(target) => target.file.clone(),
        Place::Folder(folder, Some(format)) => folder.join(file_name(&photo, *format)),
        Place::Folder(folder, None) => folder.join(photo.file_name().unwrap_or_default()),
    };
    if let (Ok(photo_itself), Ok(drawing)) = (fs::canonicalize(&photo), fs::canonicalize(drawing))
        && photo_itself == drawing
    {
        bail!("the drawing would take the place of {}: name another OUT", photo.display());
    }
    Ok(Task { photo, place })
}
