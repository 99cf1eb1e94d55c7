//! An embedded ICC profile, converted to sRGB by moxcms.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformExecutor, TransformOptions};

use super::raster::{Channels, Sample};

type Transform<T> = Arc<dyn TransformExecutor<T> + Send + Sync>;

/// The way from a profile's colours to sRGB.
pub(super) struct Profile<T> {
    transform: Transform<T>,
    /// What a row needs before the transform takes it.
    prepare: Prepare,
}

enum Prepare {
    Nothing,
    /// A grey picture with an RGB profile.
    GrayToRgb,
    /// Adobe's inks are 255 for none, the profile's 0.
    InvertInks,
}

impl<T: Sample> Profile<T> {
    /// The way from `icc`; `None` if the profile cannot be read, doesn't fit
    /// the picture, or is sRGB: the samples then stay as they are.
    pub fn read(
        icc: &[u8],
        channels: Channels,
        create: impl Fn(&ColorProfile, Layout, &ColorProfile, TransformOptions) -> Result<Transform<T>, CmsError>,
    ) -> Option<Self> {
        // A profile is a small program from a stranger: what it breaks must
        // not cost the picture.
        let profile = catch_unwind(AssertUnwindSafe(|| {
            let profile = ColorProfile::new_from_slice(icc).ok()?;
            let (layout, prepare) = match (profile.color_space, channels.colors()) {
                (DataColorSpace::Gray, 1) => (Layout::Gray, Prepare::Nothing),
                (DataColorSpace::Rgb, 3) => (Layout::Rgb, Prepare::Nothing),
                (DataColorSpace::Rgb, 1) => (Layout::Rgb, Prepare::GrayToRgb),
                (DataColorSpace::Cmyk, 4) => (Layout::Rgba, Prepare::InvertInks),
                _ => return None,
            };
            // A profile with tables may hold only the perceptual one (ICC.1,
            // 8.10.2: it stands in for what is missing).
            let intents = [RenderingIntent::RelativeColorimetric, RenderingIntent::Perceptual];
            let transform = intents.into_iter().find_map(|rendering_intent| {
                let options = TransformOptions { rendering_intent, ..Default::default() };
                create(&profile, layout, &ColorProfile::new_srgb(), options).ok()
            })?;
            Some(Profile { transform, prepare })
        }))
        .ok()??;
        (!profile.is_srgb()).then_some(profile)
    }

    /// Whether the way changes no colour by more than the rounding of 8 bits.
    /// Most profiles are sRGB, and the detour would cost time and a step of
    /// grey here and there.
    fn is_srgb(&self) -> bool {
        if matches!(self.prepare, Prepare::InvertInks) {
            return false;
        }
        let level = |i: usize| T::from_u8((i * 255 / 8) as u8);
        let cube: Vec<T> = (0..9 * 9 * 9).flat_map(|i| [level(i / 81), level(i / 9 % 9), level(i % 9)]).collect();
        let grays: Vec<T> = (0..=255).map(T::from_u8).collect();
        let gray_cube: Vec<T> = grays.iter().flat_map(|&v| [v; 3]).collect();
        let near = |input: &[T], expected: &[T]| {
            let mut output = vec![T::default(); expected.len()];
            self.convert(input, &mut output)
                && output.iter().zip(expected).all(|(a, b)| a.to_u8().abs_diff(b.to_u8()) <= 1)
        };
        // A grey profile takes one channel and refuses the cube's three.
        near(&grays, &gray_cube) || (near(&cube, &cube) && near(&gray_cube, &gray_cube))
    }

    /// Converts a row of pixels; false if the transform refuses it.
    pub fn convert(&self, row: &[T], rgb: &mut [T]) -> bool {
        let done = match self.prepare {
            Prepare::Nothing => self.transform.transform(row, rgb),
            Prepare::GrayToRgb => {
                let row: Vec<T> = row.iter().flat_map(|&v| [v; 3]).collect();
                self.transform.transform(&row, rgb)
            }
            Prepare::InvertInks => {
                let row: Vec<T> = row.iter().map(|v| v.inverse()).collect();
                self.transform.transform(&row, rgb)
            }
        };
        done.is_ok()
    }
}
