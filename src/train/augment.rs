//! Random crops, flips, noise and JPEG damage.

use super::dataset::{DataError, Pair};
use super::rng::Stream;
use crate::imaging::{Format, Limits, Picture, decode, encode, resize};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// JPEG works in blocks of this side.
const BLOCK: i64 = 8;

/// How a pair becomes a sample. Photo and target are cropped and flipped
/// together; noise and JPEG damage fall on the photo alone, so that the
/// generator learns to draw clean pictures of poor photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Pixels that the shorter side is brought to first, its aspect kept; 0:
    /// pairs stay as large as they are.
    pub load: u32,
    /// Side of the random crop in pixels, a multiple of 16. A smaller photo is
    /// grown by reflection.
    pub crop: usize,
    /// The pair is scaled by a random factor between these two before it is
    /// cropped. A look's strokes have a size in pixels: leave it at 1 for them.
    pub scale: [f32; 2],
    /// Probability of a mirrored pair.
    pub flip: f32,
    /// Probability of noise on the photo.
    pub noise: f32,
    /// Its largest standard deviation, in levels of 255.
    pub noise_level: f32,
    /// Probability of JPEG damage to the photo.
    pub jpeg: f32,
    /// Its qualities, from the worst to the best, in 1..100.
    pub jpeg_quality: [u8; 2],
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            load: 0,
            crop: 256,
            scale: [1.0, 1.0],
            flip: 0.5,
            noise: 0.0,
            noise_level: 6.0,
            jpeg: 0.0,
            jpeg_quality: [40, 95],
        }
    }
}

impl Augment {
    /// Refuses settings that cannot be followed.
    ///
    /// # Errors
    /// Names the setting and its limits.
    pub fn check(&self) -> Result<(), DataError> {
        let refused = |text: String| Err(DataError::Setting(text));
        if self.crop == 0 || !self.crop.is_multiple_of(16) {
            return refused(format!("crop is {}: it must be a multiple of 16", self.crop));
        }
        if self.load > 8192 {
            return refused(format!("load is {}: it must lie in 1..8192, or be 0", self.load));
        }
        let [low, high] = self.scale;
        if !(0.1..=4.0).contains(&low) || !(low..=4.0).contains(&high) {
            return refused(format!("scale is {low}..{high}: it must rise, within 0.1..4"));
        }
        for (name, p) in [("flip", self.flip), ("noise", self.noise), ("jpeg", self.jpeg)] {
            if !(0.0..=1.0).contains(&p) {
                return refused(format!("{name} is {p}: a probability lies in 0..1"));
            }
        }
        if !(0.0..=64.0).contains(&self.noise_level) {
            return refused(format!("noise_level is {}: it must lie in 0..64", self.noise_level));
        }
        let [worst, best] = self.jpeg_quality;
        if worst == 0 || best > 100 || worst > best {
            return refused(format!("jpeg_quality is {worst}..{best}: it must rise, within 1..100"));
        }
        Ok(())
    }

    /// Numbers in one plane stack of a sample: 3 × crop × crop.
    pub fn values(&self) -> usize {
        3 * self.crop * self.crop
    }

    /// Draws a sample of `pair`: the photo's and the target's `(3, crop, crop)`
    /// in −1..1. `style` weighs the pair's targets; what it leaves of 1 is the
    /// photo as the generator sees it. Nothing but the pair, the style and the
    /// stream decides.
    ///
    /// # Errors
    /// When the JPEG codec fails.
    ///
    /// # Panics
    /// When a slice has not [`Self::values`] numbers.
    pub fn sample(
        &self,
        pair: &Pair,
        style: &[f32],
        stream: &mut Stream,
        photo: &mut [f32],
        target: &mut [f32],
    ) -> Result<(), DataError> {
        let scaled = self.scaled(pair, stream);
        let pair = scaled.as_ref().unwrap_or(pair);
        let side = self.crop as i64;
        let (x, y) = (start(pair.photo.width, side, stream), start(pair.photo.height, side, stream));
        let flip = stream.chance(self.flip);
        target.fill(0.0);
        for (drawn, &weight) in pair.targets.iter().zip(style).filter(|(_, weight)| **weight > 0.0) {
            add_planes(&region(drawn, x, y, side), flip, weight, target);
        }

        // JPEG's blocks lie anywhere in a photo, not always at a crop's corner.
        let (dx, dy) = (stream.between(0, BLOCK - 1), stream.between(0, BLOCK - 1));
        let mut seen = region(&pair.photo, x - dx, y - dy, side + BLOCK);
        if stream.chance(self.noise) {
            add_noise(&mut seen.rgb, stream.uniform(0.0, self.noise_level), stream);
        }
        if stream.chance(self.jpeg) {
            let [worst, best] = self.jpeg_quality.map(i64::from);
            seen = through_jpeg(&seen, stream.between(worst, best) as u8, &pair.name)?;
        }
        photo.fill(0.0);
        add_planes(&region(&seen, dx, dy, side), flip, 1.0, photo);
        let rest = 1.0 - style.iter().sum::<f32>();
        if rest > 0.0 {
            target.iter_mut().zip(photo).for_each(|(target, photo)| *target += rest * *photo);
        }
        Ok(())
    }

    fn scaled(&self, pair: &Pair, stream: &mut Stream) -> Option<Pair> {
        let mut factor = f64::from(stream.uniform(self.scale[0], self.scale[1]));
        if self.load > 0 {
            factor *= f64::from(self.load) / f64::from(pair.photo.width.min(pair.photo.height));
        }
        if factor == 1.0 {
            return None;
        }
        let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
        let (width, height) = (side(pair.photo.width), side(pair.photo.height));
        Some(Pair {
            name: pair.name.clone(),
            photo: resize::to(&pair.photo, width, height),
            targets: pair.targets.iter().map(|target| resize::to(target, width, height)).collect(),
        })
    }
}

/// Where a crop of `side` begins in `length` pixels; before 0 where it is longer.
fn start(length: u32, side: i64, stream: &mut Stream) -> i64 {
    stream.between(0, i64::from(length) - side)
}

/// `at` mirrored at the first and the last of `length` pixels, which are not
/// repeated (2 1 | 0 1 2 3 | 2 1), as often as needed.
fn reflect(at: i64, length: u32) -> usize {
    let last = i64::from(length) - 1;
    if last == 0 {
        return 0;
    }
    let at = at.rem_euclid(2 * last);
    at.min(2 * last - at) as usize
}

/// The square of `side` pixels at `(x, y)`, reflected where it leaves `picture`.
fn region(picture: &Picture, x: i64, y: i64, side: i64) -> Picture {
    let columns: Vec<usize> = (x..x + side).map(|x| reflect(x, picture.width) * 3).collect();
    let mut rgb = Vec::with_capacity((side * side) as usize * 3);
    for y in y..y + side {
        let row = &picture.rgb[reflect(y, picture.height) * picture.width as usize * 3..];
        rgb.extend(columns.iter().flat_map(|&x| &row[x..x + 3]));
    }
    Picture { width: side as u32, height: side as u32, rgb, alpha: None }
}

fn add_noise(rgb: &mut [u8], level: f32, stream: &mut Stream) {
    for value in rgb {
        let normal: f32 = StandardNormal.sample(stream);
        *value = (f32::from(*value) + level * normal).round().clamp(0.0, 255.0) as u8;
    }
}

fn through_jpeg(picture: &Picture, quality: u8, name: &str) -> Result<Picture, DataError> {
    let bytes = encode(picture, Format::Jpeg, Some(quality))
        .map_err(|source| DataError::Encode { name: name.to_owned(), source })?;
    let decoded = decode(&bytes, &Limits::default());
    Ok(decoded.map_err(|source| DataError::Decode { file: name.into(), source })?.picture)
}

/// Adds `(H, W, 3)` bytes, as `(3, H, W)` in −1..1 times `weight`, mirrored if `flip`.
fn add_planes(picture: &Picture, flip: bool, weight: f32, planes: &mut [f32]) {
    let width = picture.width as usize;
    let area = width * picture.height as usize;
    assert_eq!(planes.len(), 3 * area, "a slice for 3 planes of the crop");
    for (y, row) in picture.rgb.chunks_exact(3 * width).enumerate() {
        for (x, pixel) in row.chunks_exact(3).enumerate() {
            let at = y * width + if flip { width - 1 - x } else { x };
            for (channel, &value) in pixel.iter().enumerate() {
                planes[channel * area + at] += weight * (f32::from(value) / 127.5 - 1.0);
            }
        }
    }
}
