//! Whether a plan draws what its network's layers draw.

use super::Plan;
use crate::nn::noise_input::beside;
use crate::nn::{Generator, Pass};
use candle_core::{Device, Result, Tensor};

/// The peak signal-to-noise ratio, in dB, of one small picture by `plan` to that by the layers of `network`, for photos
/// of `channels` and `noise` channels and a generator of `styles` styles; NaN where one of them draws no numbers.
///
/// # Errors
/// When one of them does not draw.
pub fn agreement(
    plan: &dyn Plan,
    network: &dyn Generator,
    (channels, noise, styles): (usize, usize, usize),
    device: &Device,
) -> Result<f64> {
    // Not square, so that rows and columns cannot change places.
    let (height, width) = (64usize.next_multiple_of(network.multiple()), 96usize.next_multiple_of(network.multiple()));
    let photo = photo(channels, height, width, device)?;
    let style = vec![1.0 / styles.max(1) as f32; styles];
    let drawn = plan.draw(&beside(&photo, noise, None)?, &style, None)?;
    let style = (styles > 0).then(|| Tensor::from_vec(style, (1, styles), device)).transpose()?;
    let reference = network.forward(&photo, &Pass { style: style.as_ref(), ..Pass::INFERENCE })?;
    let squares: f32 = (drawn - reference)?.sqr()?.mean_all()?.to_scalar()?;
    // Values from −1 to 1 are 2 apart.
    Ok(10.0 * (4.0 / f64::from(squares)).log10())
}

/// Waves of several lengths and directions, and one edge.
fn photo(channels: usize, height: usize, width: usize, device: &Device) -> Result<Tensor> {
    let mut values = Vec::with_capacity(channels * height * width);
    for (c, y, x) in (0..channels).flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x)))) {
        let (c, y, x) = (c as f32, y as f32, x as f32);
        let waves = (0.11 * x + 0.3 * y + c).sin() + (0.7 * x - 0.05 * y).sin() + (0.02 * x * (1.0 + c)).cos();
        values.push(0.25 * waves + if x > 2.0 * y { 0.2 } else { -0.2 });
    }
    Tensor::from_vec(values, (1, channels, height, width), device)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::tests::trained;
    use super::super::{Instructions, plan};
    use super::*;
    use crate::nn::anime::{AnimeConfig, anime};

    #[test]
    fn a_networks_own_plan_agrees_and_anothers_does_not() {
        let config = AnimeConfig { widths: vec![8, 12], blocks: 1, styles: 2, ..AnimeConfig::default() };
        let network = |scale: f32| trained(scale, |vb| anime(&config, vb));
        let plan_of = |scale| plan(&network(scale).outline().unwrap(), Instructions::Portable).unwrap();
        let with = |scale| agreement(&*plan_of(scale), &network(0.1), (3, 0, 2), &Device::Cpu).unwrap();
        assert!(with(0.1) > 80.0, "{} dB", with(0.1));
        assert!(with(0.11) < 40.0, "{} dB", with(0.11));
        let broken = with(f32::NAN);
        assert!(broken.is_nan() || broken < 40.0, "{broken} dB");
    }
}
