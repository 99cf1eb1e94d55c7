//! How a style changes the photo's colours before the network draws on it.
//!
//! A look that has no colour must take away the photo's, exactly and at every pixel. Through the network that needs
//! features for every colour of every pixel; a matrix does it with none. Linear in the style's vector, as
//! [`modulation`](crate::nn::modulation) is: a mix lies between its styles, and the zero vector leaves the photo as it is.

use candle_core::{Result, Tensor, bail};
use candle_nn::{Init, VarBuilder};

/// Adam moves every weight by about its rate a step. A colour has to go from 1 to 0 where other weights go a tenth of that,
/// so these count eight times: an equalised rate (Karras et al. 2018).
pub const RECOLOUR_GAIN: f64 = 8.0;

/// `x + M·x + m` for each pixel's RGB `x`, the 3×4 numbers of `M` and `m` (a row: its three factors, then what is added)
/// being `8·C·v` for a style `v` of `k` entries.
pub(super) struct Recolour {
    /// C `(12, k)`.
    weight: Tensor,
}

impl Recolour {
    /// From `vb`'s `weight`, which starts at zero.
    ///
    /// # Errors
    /// When there is no style, or the builder lacks the tensor or has one of another shape.
    pub(super) fn new(styles: usize, vb: VarBuilder<'_>) -> Result<Self> {
        if styles == 0 {
            bail!("a generator that recolours needs styles");
        }
        Ok(Self { weight: vb.get_with_hints((12, styles), "weight", Init::Const(0.0))? })
    }

    /// `8·C`.
    ///
    /// # Errors
    /// Those of candle.
    pub(super) fn numbers(&self) -> Result<Tensor> {
        &self.weight * RECOLOUR_GAIN
    }
}

/// The photo `(N, 3, H, W)` in the colours of its style `(N, k)` or `(1, k)`.
///
/// # Errors
/// Those of candle.
pub(super) fn recoloured(photo: &Tensor, recolour: Option<&Recolour>, style: Option<&Tensor>) -> Result<Tensor> {
    let (Some(recolour), Some(style)) = (recolour, style) else { return Ok(photo.clone()) };
    let (n, _, h, w) = photo.dims4()?;
    let numbers = style.matmul(&recolour.numbers()?.t()?)?.reshape(((), 3, 4))?.broadcast_as((n, 3, 4))?;
    let factors = numbers.narrow(2, 0, 3)?.contiguous()?;
    let change = factors.matmul(&photo.reshape((n, 3, h * w))?)?.broadcast_add(&numbers.narrow(2, 3, 1)?)?;
    photo + change.reshape((n, 3, h, w))?
}
