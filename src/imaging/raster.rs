//! Samples as a decoder hands them over, and the way to a [`Picture`]: the
//! profile to sRGB, 16 bit to 8, grey and CMYK to RGB, then upright.

use image::metadata::Orientation;

use super::{Picture, icc, orient, resize};

/// Which channels are interleaved in a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channels {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
    /// Inks the way Adobe writes them: 255 is none.
    Cmyk,
}

impl Channels {
    /// Channels that hold colour.
    pub fn colors(self) -> usize {
        match self {
            Channels::Gray | Channels::GrayAlpha => 1,
            Channels::Rgb | Channels::Rgba => 3,
            Channels::Cmyk => 4,
        }
    }

    fn has_alpha(self) -> bool {
        matches!(self, Channels::GrayAlpha | Channels::Rgba)
    }
}

/// A decoded file before its metadata is applied.
pub(super) struct Raster {
    /// As the file says.
    pub width: u32,
    pub height: u32,
    /// So many pixels, across and down, are one sample.
    pub reduction: u32,
    pub channels: Channels,
    /// Whether a sample takes two bytes, in the machine's order.
    pub sixteen_bit: bool,
    /// `(H, W, channels)`, both sides divided by the reduction and rounded up.
    pub samples: Vec<u8>,
    /// The embedded profile.
    pub icc: Option<Vec<u8>>,
    pub orientation: Orientation,
}

impl Raster {
    /// GIF is always decoded to RGBA; most have no transparent pixel.
    pub fn drop_opaque_alpha(&mut self) {
        let opaque = self.channels == Channels::Rgba
            && !self.sixteen_bit
            && self.samples.chunks_exact(4).all(|pixel| pixel[3] == 255);
        if opaque {
            let rgb = self.samples.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]);
            self.samples = rgb.collect();
            self.channels = Channels::Rgb;
        }
    }

    /// With its longest side at most `max_side`, as [`resize::fit`] makes it.
    pub fn into_picture(mut self, max_side: Option<u32>) -> Picture {
        let icc = self.icc.take();
        let orientation = self.orientation;
        let (width, height) = resize::fitted(self.width, self.height, max_side.unwrap_or(u32::MAX));
        // The last column may be of fewer pixels than the others.
        let part = |side: u32| f64::from(side) / f64::from(self.reduction);
        let part = (part(self.width), part(self.height));
        let picture =
            if self.sixteen_bit { self.convert::<u16>(icc.as_deref()) } else { self.convert::<u8>(icc.as_deref()) };
        orient::upright(resize::part(picture, part, width, height), orientation)
    }

    fn convert<T: Sample>(self, icc: Option<&[u8]>) -> Picture {
        let profile = icc.and_then(|icc| T::profile(icc, self.channels));
        let (width, height) = (self.width.div_ceil(self.reduction), self.height.div_ceil(self.reduction));
        if profile.is_none() && self.channels == Channels::Rgb && T::BYTES == 1 {
            return Picture { width, height, rgb: self.samples, alpha: None };
        }
        let colors = self.channels.colors();
        let stride = colors + usize::from(self.channels.has_alpha());
        let pixels = width as usize * height as usize;
        let mut rgb = Vec::with_capacity(pixels * 3);
        let mut alpha = self.channels.has_alpha().then(|| Vec::with_capacity(pixels));
        // One row at a time, so that a 16-bit picture isn't held three times.
        let mut row = Vec::with_capacity(width as usize * colors);
        let mut converted = vec![T::default(); width as usize * 3];
        for line in self.samples.chunks_exact(width as usize * stride * T::BYTES) {
            row.clear();
            for pixel in line.chunks_exact(stride * T::BYTES) {
                let mut samples = pixel.chunks_exact(T::BYTES).map(T::read);
                row.extend(samples.by_ref().take(colors));
                if let (Some(alpha), Some(a)) = (&mut alpha, samples.next()) {
                    alpha.push(a.to_u8());
                }
            }
            match &profile {
                Some(profile) if profile.convert(&row, &mut converted) => {}
                _ => to_rgb(self.channels, &row, &mut converted),
            }
            rgb.extend(converted.iter().map(|v| v.to_u8()));
        }
        Picture { width, height, rgb, alpha }
    }
}

/// Colours to RGB without a profile.
fn to_rgb<T: Sample>(channels: Channels, row: &[T], rgb: &mut [T]) {
    let pixels = rgb.chunks_exact_mut(3);
    match channels {
        Channels::Gray | Channels::GrayAlpha => {
            pixels.zip(row).for_each(|(rgb, &v)| rgb.fill(v));
        }
        Channels::Rgb | Channels::Rgba => rgb.copy_from_slice(row),
        Channels::Cmyk => {
            for (rgb, inks) in pixels.zip(row.chunks_exact(4)) {
                for (v, ink) in rgb.iter_mut().zip(inks) {
                    *v = ink.times(inks[3]);
                }
            }
        }
    }
}

/// 8 or 16 bits of a channel.
pub(super) trait Sample: Copy + Default + 'static {
    const BYTES: usize;
    /// From `BYTES` bytes in the machine's order.
    fn read(bytes: &[u8]) -> Self;
    fn from_u8(v: u8) -> Self;
    fn to_u8(self) -> u8;
    /// The product of two fractions of full scale.
    fn times(self, other: Self) -> Self;
    /// Full scale minus this.
    fn inverse(self) -> Self;
    fn profile(icc: &[u8], channels: Channels) -> Option<icc::Profile<Self>>;
}

impl Sample for u8 {
    const BYTES: usize = 1;

    fn read(bytes: &[u8]) -> Self {
        bytes[0]
    }

    fn from_u8(v: u8) -> Self {
        v
    }

    fn to_u8(self) -> u8 {
        self
    }

    fn times(self, other: Self) -> Self {
        ((u32::from(self) * u32::from(other) + 127) / 255) as u8
    }

    fn inverse(self) -> Self {
        u8::MAX - self
    }

    fn profile(icc: &[u8], channels: Channels) -> Option<icc::Profile<Self>> {
        icc::Profile::read(icc, channels, |from, layout, to, options| {
            from.create_transform_8bit(layout, to, moxcms::Layout::Rgb, options)
        })
    }
}

impl Sample for u16 {
    const BYTES: usize = 2;

    fn read(bytes: &[u8]) -> Self {
        u16::from_ne_bytes([bytes[0], bytes[1]])
    }

    fn from_u8(v: u8) -> Self {
        u16::from(v) * 257
    }

    fn to_u8(self) -> u8 {
        ((u32::from(self) + 128) / 257) as u8
    }

    fn times(self, other: Self) -> Self {
        ((u64::from(self) * u64::from(other) + 32_767) / 65_535) as u16
    }

    fn inverse(self) -> Self {
        u16::MAX - self
    }

    fn profile(icc: &[u8], channels: Channels) -> Option<icc::Profile<Self>> {
        icc::Profile::read(icc, channels, |from, layout, to, options| {
            from.create_transform_16bit(layout, to, moxcms::Layout::Rgb, options)
        })
    }
}
