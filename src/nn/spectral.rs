//! Spectral normalisation (Miyato et al. 2018): a weight over its largest
//! singular value, found by one step of power iteration a pass.

use candle_core::{Result, Tensor, Var};

/// `weight` `(Cout, …)` over its spectral norm as a `(Cout, rest)` matrix.
///
/// `u` `(Cout)` is the iteration's state, its left singular vector so far: it
/// moves on if `moves` and it is a variable, so that a constant view of a
/// network only follows. The vectors are constants to the gradient, as in the
/// paper's eq. 9.
///
/// # Errors
/// Those of candle.
pub fn normalised(weight: &Tensor, u: &Tensor, moves: bool) -> Result<Tensor> {
    let matrix = weight.flatten_from(1)?;
    let constant = matrix.detach();
    let v = unit(&constant.t()?.matmul(&u.detach().unsqueeze(1)?)?)?;
    let next = unit(&constant.matmul(&v)?)?;
    if moves && u.is_variable() {
        Var::from_tensor(u)?.set(&next.squeeze(1)?)?;
    }
    let norm = (matrix.matmul(&v)? * next)?.sum_all()?;
    weight.broadcast_div(&norm)
}

fn unit(vector: &Tensor) -> Result<Tensor> {
    vector.broadcast_div(&(vector.sqr()?.sum_all()?.sqrt()? + 1e-12)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_largest_singular_value_becomes_one() {
        // Singular values 3 and 0.5, turned by 0.6 and 0.8 on both sides.
        let (c, s, device) = (0.6f32, 0.8f32, &Device::Cpu);
        let turn = Tensor::new(&[[c, -s], [s, c]], device).unwrap();
        let values = Tensor::new(&[[3f32, 0.0], [0.0, 0.5]], device).unwrap();
        let weight = turn.matmul(&values).unwrap().matmul(&turn).unwrap();
        let u = Var::new(&[1f32, 0.3], device).unwrap();
        let constant = normalised(&weight, &u.as_detached_tensor(), true).unwrap();
        assert_eq!(u.to_vec1::<f32>().unwrap(), [1.0, 0.3], "a constant view does not move it");
        for _ in 0..20 {
            normalised(&weight, u.as_tensor(), true).unwrap();
        }
        let settled = normalised(&weight, u.as_tensor(), false).unwrap();
        let wanted = (&weight / 3.0).unwrap();
        let off = |t: &Tensor| (t - &wanted).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(off(&settled) < 1e-5, "{settled}");
        assert!(off(&constant) > 1e-3, "the first step is only near");
    }
}
