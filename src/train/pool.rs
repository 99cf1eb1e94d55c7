//! The image pool (Shrivastava et al. 2017, §2.3): a discriminator that also
//! sees drawings from before does not forget them.

use super::rng::Stream;
use candle_core::{Result, Tensor};
use std::collections::HashMap;

/// Photos and their drawings, `(3, H, W)` each.
pub struct Pool {
    size: usize,
    kept: Vec<(Tensor, Tensor)>,
}

impl Pool {
    /// For `size` drawings; 0: every drawing is judged fresh.
    pub fn new(size: usize) -> Self {
        Self { size, kept: Vec::new() }
    }

    /// What to judge instead of `photo` and `drawn`, `(N, 3, H, W)`, which go
    /// into the pool: until it is full themselves, then half of the time one
    /// from before, whose place they take.
    ///
    /// # Errors
    /// When the sizes differ from those in the pool.
    pub fn exchange(&mut self, photo: &Tensor, drawn: &Tensor, stream: &mut Stream) -> Result<(Tensor, Tensor)> {
        if self.size == 0 {
            return Ok((photo.clone(), drawn.clone()));
        }
        let (mut photos, mut drawings) = (Vec::new(), Vec::new());
        for i in 0..photo.dim(0)? {
            let mut judged = (photo.get(i)?.copy()?, drawn.get(i)?.detach().copy()?);
            if self.kept.len() < self.size {
                self.kept.push(judged.clone());
            } else if stream.chance(0.5) {
                let place = stream.between(0, self.size as i64 - 1) as usize;
                std::mem::swap(&mut judged, &mut self.kept[place]);
            }
            photos.push(judged.0);
            drawings.push(judged.1);
        }
        Ok((Tensor::stack(&photos, 0)?, Tensor::stack(&drawings, 0)?))
    }

    /// What it holds, by name.
    pub fn state(&self) -> HashMap<String, Tensor> {
        let named = self.kept.iter().enumerate().flat_map(|(i, (photo, drawn))| {
            [(format!("{i:04}.photo"), photo.clone()), (format!("{i:04}.drawn"), drawn.clone())]
        });
        named.collect()
    }

    /// Holds again what it held.
    pub fn restore(&mut self, state: &HashMap<String, Tensor>) {
        let part = |i: usize, what: &str| state.get(&format!("{i:04}.{what}")).cloned();
        self.kept = (0..self.size).map_while(|i| Some((part(i, "photo")?, part(i, "drawn")?))).collect();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    fn picture(value: f32) -> Tensor {
        Tensor::full(value, (1, 3, 2, 2), &Device::Cpu).unwrap()
    }

    fn value(picture: &Tensor) -> f32 {
        picture.mean_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn half_of_the_drawings_are_from_before_once_it_is_full() {
        let mut pool = Pool::new(4);
        let mut stream = Stream::derive(1, "pool", 0);
        let mut from_before = 0;
        for step in 0..204 {
            let step = step as f32;
            let (photo, drawn) = pool.exchange(&picture(step), &picture(-step), &mut stream).unwrap();
            assert_eq!(value(&photo), -value(&drawn), "a drawing stays with its photo");
            assert!(value(&photo) <= step);
            if step < 4.0 {
                assert_eq!(value(&photo), step, "it is filling");
            }
            from_before += usize::from(value(&photo) < step);
        }
        // 100 expected of 200; 5 standard deviations are 35.
        assert!((65..=135).contains(&from_before), "{from_before}");

        let mut restored = Pool::new(4);
        restored.restore(&pool.state());
        let ahead = |pool: &mut Pool| {
            let mut stream = Stream::derive(1, "pool", 1);
            (0..20)
                .map(|i| value(&pool.exchange(&picture(900.0 + i as f32), &picture(0.0), &mut stream).unwrap().0))
                .collect::<Vec<_>>()
        };
        assert_eq!(ahead(&mut restored), ahead(&mut pool));
    }

    #[test]
    fn without_room_every_drawing_is_fresh() {
        let mut pool = Pool::new(0);
        let (photo, _) = pool.exchange(&picture(3.0), &picture(1.0), &mut Stream::derive(1, "pool", 0)).unwrap();
        assert_eq!((value(&photo), pool.state().len()), (3.0, 0));
    }
}
