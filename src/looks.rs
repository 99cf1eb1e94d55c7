//! The target looks as classical image processing: what the generator learns.
//!
//! A look works at the photo's own size; its lengths are in the photo's pixels, chosen for sides of about
//! 512. The same photo gives the same picture whatever the number of threads.

mod blur;
mod cel;
mod color;
mod flatten;
mod gouache;
mod ink;
mod kuwahara;
mod lanes;
mod lines;
mod luminous;
mod raster;
mod structure;
mod tone;

use crate::imaging::Picture;
use raster::{Raster, Rgb};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A style that a photo can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// Flat fills in few tones, bold ink outlines.
    Cel,
    /// A hand-painted background: brush dabs, fresh greens, thin violet lines.
    Gouache,
    /// A film still's light: crisp detail, blue shadows, warm highlights, bloom.
    Luminous,
    /// A brush-and-wash manga plate: grey washes on warm paper, black lines.
    Ink,
}

/// A name that is no look's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no look named {0:?}; the looks are {names}", names = Look::ALL.map(Look::name).join(", "))]
pub struct UnknownLook(pub String);

impl Look {
    /// Every look, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Cel, Self::Gouache, Self::Luminous, Self::Ink];

    /// The name that commands and model cards use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cel => "cel",
            Self::Gouache => "gouache",
            Self::Luminous => "luminous",
            Self::Ink => "ink",
        }
    }

    /// The photo in this look, at its own size; alpha is kept as it is.
    pub fn render(self, photo: &Picture) -> Picture {
        if photo.rgb.is_empty() {
            return photo.clone();
        }
        let image = read(photo);
        let drawn = match self {
            Self::Cel => cel::render(&image),
            Self::Gouache => gouache::render(&image),
            Self::Luminous => luminous::render(&image),
            Self::Ink => ink::render(&image),
        };
        write(&drawn, photo)
    }
}

impl Serialize for Look {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Look {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Look {
    type Err = UnknownLook;

    fn from_str(name: &str) -> Result<Self, UnknownLook> {
        Self::ALL.into_iter().find(|look| look.name() == name).ok_or_else(|| UnknownLook(name.to_owned()))
    }
}

fn read(photo: &Picture) -> Raster<Rgb> {
    let data = photo.rgb.chunks_exact(3).map(|p| [p[0], p[1], p[2]].map(|c| f32::from(c) / 255.0)).collect();
    Raster { width: photo.width as usize, height: photo.height as usize, data }
}

fn write(drawn: &Raster<Rgb>, photo: &Picture) -> Picture {
    let rgb = drawn.data.as_flattened().iter().map(|c| (c * 255.0).round() as u8).collect();
    Picture { width: photo.width, height: photo.height, rgb, alpha: photo.alpha.clone() }
}
