//! The kernels of `training.cu` over slices on the device: compiled by NVRTC when the first is asked for, loaded once a
//! device. Each does what the function of its name in [`planes`](crate::kernels::planes), [`norm`](crate::kernels::norm)
//! or [`adam`](crate::kernels::adam) does on the CPU.

mod launch;

use super::error::CudaError;
use super::pool::room;
use crate::kernels::adam::AdamStep;
use cudarc::driver::{CudaSlice, CudaStream, CudaView, CudaViewMut};
use half::bf16;
use launch::{Launch, blocks_of};
use std::sync::Arc;

/// Where kernels run one after another.
pub type Stream = Arc<CudaStream>;
/// f32 on the device, to be read.
pub type Values<'a> = CudaView<'a, f32>;
/// f32 on the device, to be changed.
pub type ValuesMut<'a> = CudaViewMut<'a, f32>;
/// What a kernel has made.
pub type Made = Result<CudaSlice<f32>, CudaError>;

/// `leaky(x·scale + shift) + residual` over planes of `pixels` values. Any may be missing; scales and shifts begin again
/// where they end. A `slope` of 1 is no rectifier.
///
/// # Errors
/// When the driver or NVRTC refuses.
pub fn rectify(
    stream: &Stream,
    x: &Values<'_>,
    (scale, shift, residual): (Option<&Values<'_>>, Option<&Values<'_>>, Option<&Values<'_>>),
    slope: f32,
    pixels: usize,
) -> Made {
    assert!(residual.is_none_or(|residual| residual.len() == x.len()));
    assert!(x.len().is_multiple_of(pixels) && [scale, shift].iter().flatten().all(|values| !values.is_empty()));
    let mut out = room(stream, x.len())?;
    let len = |values: Option<&Values<'_>>| values.map_or(1, CudaView::len);
    Launch::new(stream, "rectify")?
        .reads(x)
        .may_read(scale)
        .may_read(shift)
        .may_read(residual)
        .writes(&mut out)
        .numbers(&[slope])
        .sizes(&[len(scale), len(shift), pixels, x.len()])?
        .run(blocks_of(x.len()))?;
    Ok(out)
}

/// `g` where `y` is positive, else `slope·g`.
///
/// # Errors
/// As for [`rectify`].
pub fn gate(stream: &Stream, y: &Values<'_>, g: &Values<'_>, slope: f32) -> Made {
    assert_eq!(y.len(), g.len());
    let mut out = room(stream, y.len())?;
    let launch = Launch::new(stream, "gate")?.reads(y).reads(g).writes(&mut out).numbers(&[slope]);
    launch.sizes(&[y.len()])?.run(blocks_of(y.len()))?;
    Ok(out)
}

/// The sum of each group's `x`, or of its `x·y`; planes `p` of one `p % groups` are a group.
///
/// # Errors
/// As for [`rectify`].
pub fn sum_groups(stream: &Stream, x: &Values<'_>, y: Option<&Values<'_>>, groups: usize, pixels: usize) -> Made {
    assert!(y.is_none_or(|y| y.len() == x.len()) && x.len().is_multiple_of(groups * pixels));
    let mut out = room(stream, groups)?;
    let launch = Launch::new(stream, "sum_groups")?.reads(x).may_read(y).writes(&mut out);
    launch.sizes(&[pixels, x.len() / groups])?.run_groups(groups, x.len())?;
    Ok(out)
}

/// [`gate`], and behind it each group's sum of that.
///
/// # Errors
/// As for [`rectify`].
pub fn rectify_gradient(
    stream: &Stream,
    (y, g): (&Values<'_>, &Values<'_>),
    groups: usize,
    slope: f32,
    pixels: usize,
) -> Made {
    assert!(y.len() == g.len() && y.len().is_multiple_of(groups * pixels));
    let mut out = room(stream, y.len() + groups)?;
    let launch = Launch::new(stream, "rectify_gradient")?.reads(y).reads(g).writes(&mut out).numbers(&[slope]);
    launch.sizes(&[pixels, y.len() / groups])?.run_groups(groups, y.len())?;
    Ok(out)
}

/// `(2, groups)`: each group's mean and biased variance.
///
/// # Errors
/// As for [`rectify`].
pub fn moments(stream: &Stream, x: &Values<'_>, groups: usize, pixels: usize) -> Made {
    assert!(!x.is_empty() && x.len().is_multiple_of(groups * pixels));
    let mut out = room(stream, 2 * groups)?;
    let launch = Launch::new(stream, "moments")?.reads(x).writes(&mut out);
    launch.sizes(&[pixels, x.len() / groups])?.run_groups(groups, x.len())?;
    Ok(out)
}

/// What a norm's groups have: moments `(2, groups)`, a weight each, and what is added to the variance.
pub struct Groups<'a> {
    /// Means, then variances.
    pub moments: Values<'a>,
    /// Factors of the normalised values.
    pub weight: Values<'a>,
    /// Keeps a variance away from zero.
    pub epsilon: f32,
    /// Of the rectifier behind the norm; 1 is none.
    pub slope: f32,
}

/// `leaky((x − mean) / √(variance + ε)·weight + bias)`.
///
/// # Errors
/// As for [`rectify`].
pub fn normalise(stream: &Stream, x: &Values<'_>, of: &Groups<'_>, bias: &Values<'_>, pixels: usize) -> Made {
    let groups = of.weight.len();
    assert!(of.moments.len() == 2 * groups && bias.len() == groups && x.len().is_multiple_of(groups * pixels));
    let mut out = room(stream, x.len())?;
    Launch::new(stream, "normalise")?
        .reads(x)
        .reads(&of.moments)
        .reads(&of.weight)
        .reads(bias)
        .writes(&mut out)
        .numbers(&[of.epsilon, of.slope])
        .sizes(&[groups, pixels, x.len()])?
        .run(blocks_of(x.len()))?;
    Ok(out)
}

/// The gradients of [`normalise`]'s result `y` when its own is `g`: in `x`, in the weights, in the biases, one after the
/// other (Ioffe, Szegedy 2015, §3).
///
/// # Errors
/// As for [`rectify`].
pub fn normalise_gradient(
    stream: &Stream,
    (x, y, g): (&Values<'_>, &Values<'_>, &Values<'_>),
    of: &Groups<'_>,
    pixels: usize,
) -> Made {
    let groups = of.weight.len();
    assert!((y.len(), g.len()) == (x.len(), x.len()) && of.moments.len() == 2 * groups);
    assert!(x.len().is_multiple_of(groups * pixels));
    let mut out = room(stream, x.len() + 2 * groups)?;
    Launch::new(stream, "normalise_gradient")?
        .reads(x)
        .reads(y)
        .reads(g)
        .reads(&of.moments)
        .reads(&of.weight)
        .writes(&mut out)
        .numbers(&[of.epsilon, of.slope])
        .sizes(&[pixels, x.len() / groups])?
        .run_groups(groups, x.len())?;
    Ok(out)
}

/// The planes of `a` and of `b`, so many of each a picture, in one.
///
/// # Errors
/// As for [`rectify`].
pub fn beside(
    stream: &Stream,
    (a, left): (&Values<'_>, usize),
    (b, right): (&Values<'_>, usize),
    pixels: usize,
) -> Made {
    assert!(a.len() * right == b.len() * left && a.len().is_multiple_of(left * pixels));
    let count = a.len() + b.len();
    let mut out = room(stream, count)?;
    let launch = Launch::new(stream, "beside")?.reads(a).reads(b).writes(&mut out);
    launch.sizes(&[left, right, pixels, count])?.run(blocks_of(count))?;
    Ok(out)
}

/// Moves both moments `(2, count)` towards the gradient and its square.
///
/// # Errors
/// As for [`rectify`].
pub fn adam_moments(
    stream: &Stream,
    step: &AdamStep,
    both: &mut ValuesMut<'_>,
    gradient: &Values<'_>,
) -> Result<(), CudaError> {
    assert_eq!(both.len(), 2 * gradient.len());
    let numbers = [step.beta1, 1.0 - step.beta1, step.beta2, 1.0 - step.beta2].map(|number| number as f32);
    let launch = Launch::new(stream, "adam_moments")?.writes(both).reads(gradient).numbers(&numbers);
    launch.sizes(&[gradient.len()])?.run(blocks_of(gradient.len()))
}

/// Moves the parameters by one step along the moments.
///
/// # Errors
/// As for [`rectify`].
pub fn adam_advance(
    stream: &Stream,
    step: &AdamStep,
    parameters: &mut ValuesMut<'_>,
    both: &Values<'_>,
) -> Result<(), CudaError> {
    assert_eq!(both.len(), 2 * parameters.len());
    let ((rate, root), count) = (step.corrections(), parameters.len());
    let numbers = [rate, root, step.epsilon].map(|number| number as f32);
    let launch = Launch::new(stream, "adam_advance")?.writes(parameters).reads(both).numbers(&numbers);
    launch.sizes(&[count])?.run(blocks_of(count))
}

/// `average += share·(value − average)`.
///
/// # Errors
/// As for [`rectify`].
pub fn approach(
    stream: &Stream,
    average: &mut ValuesMut<'_>,
    values: &Values<'_>,
    share: f32,
) -> Result<(), CudaError> {
    assert_eq!(average.len(), values.len());
    let launch = Launch::new(stream, "approach")?.writes(average).reads(values).numbers(&[share]);
    launch.sizes(&[values.len()])?.run(blocks_of(values.len()))
}

/// How activations or weights lie: `(N, C, P)`, and with channels last `(N, P, padded)`.
#[derive(Clone, Copy, Debug)]
pub struct Channels {
    /// Pictures, or a weight's outputs.
    pub batch: usize,
    /// Channels, or a weight's inputs.
    pub channels: usize,
    /// Channels with those that fill a group.
    pub padded: usize,
    /// Pixels, or a weight's taps.
    pub pixels: usize,
}

impl Channels {
    fn blocks(&self) -> [usize; 3] {
        [self.pixels.div_ceil(32), self.padded.div_ceil(32), self.batch]
    }

    /// f32 `(N, C, P)` to bf16 `(rows, P, padded)`, zeros in all that is added; `rows` is N or more.
    ///
    /// # Errors
    /// As for [`rectify`].
    pub fn to_last(&self, stream: &Stream, from: &Values<'_>, rows: usize) -> Result<CudaSlice<bf16>, CudaError> {
        assert!(from.len() == self.batch * self.channels * self.pixels && rows >= self.batch);
        let len = rows * self.padded * self.pixels;
        let mut to = if rows > self.batch { stream.alloc_zeros(len)? } else { room::<bf16>(stream, len)? };
        let launch = Launch::new(stream, "to_channels_last")?.reads(from).writes(&mut to);
        launch.sizes(&[self.channels, self.padded, self.pixels])?.run_turning(self.blocks())?;
        Ok(to)
    }

    /// And back; rows that are more than N are left away.
    ///
    /// # Errors
    /// As for [`rectify`].
    pub fn to_first(&self, stream: &Stream, from: &CudaSlice<bf16>) -> Made {
        assert!(from.len() >= self.batch * self.padded * self.pixels);
        let mut to = room(stream, self.batch * self.channels * self.pixels)?;
        let launch = Launch::new(stream, "to_channels_first")?.reads(from).writes(&mut to);
        launch.sizes(&[self.channels, self.padded, self.pixels])?.run_turning(self.blocks())?;
        Ok(to)
    }
}
