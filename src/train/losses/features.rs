//! Feature matching (Salimans et al. 2016, §3.1; for paired pictures Wang et
//! al. 2018, eq. 4).

use crate::nn::patch_gan::Judgement;
use candle_core::{Result, Tensor, bail};

/// Mean absolute difference of what a discriminator's layers find in the drawn
/// and in the real picture, averaged over layers and scales; the real one's
/// features are constants.
///
/// # Errors
/// When the two are not from the same discriminator and sizes.
pub fn feature_matching(drawn: &[Judgement], real: &[Judgement]) -> Result<Tensor> {
    let pairs = drawn.iter().zip(real).flat_map(|(drawn, real)| drawn.features.iter().zip(&real.features));
    let each = pairs.map(|(drawn, real)| (drawn - real.detach())?.abs()?.mean_all()).collect::<Result<Vec<_>>>()?;
    if each.is_empty() {
        bail!("feature matching needs a discriminator with at least one layer");
    }
    Tensor::stack(&each, 0)?.mean_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn every_layer_counts_alike_and_the_real_one_is_constant() {
        let judgement = |features: Vec<Tensor>| Judgement { logits: features[0].clone(), features };
        let full = |value: f32, side: usize| {
            Var::from_tensor(&Tensor::full(value, (1, 2, side, side), &Device::Cpu).unwrap()).unwrap()
        };
        let (drawn, real) = ([full(1.0, 4), full(2.0, 2)], [full(1.5, 4), full(-1.0, 2)]);
        let of = |vars: &[Var; 2]| vec![judgement(vars.iter().map(|var| var.as_tensor().clone()).collect())];
        let loss = feature_matching(&of(&drawn), &of(&real)).unwrap();
        assert_eq!(loss.to_scalar::<f32>().unwrap(), (0.5 + 3.0) / 2.0);
        let grads = loss.backward().unwrap();
        assert!(grads.get(&drawn[0]).is_some() && grads.get(&real[0]).is_none());
    }
}
