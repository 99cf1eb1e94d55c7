//! Which style a sample is drawn in.
//!
//! A style is a weight for each look, in 0..1; their sum is the strength. Its
//! target blends the looks' pixels by the weights and leaves the rest of 1 to
//! the photo. All of them are drawn over the photo's own edges, so a blend is
//! as crisp as they are.

use super::rng::Stream;
use serde::{Deserialize, Serialize};

/// How often a sample is what; the rest are whole looks alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Styles {
    /// Share of mixes of two looks, in any proportion.
    pub mixes: f32,
    /// Share of looks, or mixes, at a strength below 1.
    pub weaker: f32,
    /// Share of samples at strength 0: the photo itself.
    pub photos: f32,
}

impl Default for Styles {
    fn default() -> Self {
        Self { mixes: 0.15, weaker: 0.12, photos: 0.03 }
    }
}

impl Styles {
    /// A style of `looks` looks.
    pub fn draw(&self, looks: usize, stream: &mut Stream) -> Vec<f32> {
        let mut style = vec![0.0; looks];
        let pick = |stream: &mut Stream| stream.between(0, looks as i64 - 1) as usize;
        // Every number is drawn whether it is used or not: a share that
        // changes then leaves the other choices as they are.
        let (first, second, share) = (pick(stream), pick(stream), stream.uniform(0.0, 1.0));
        let (mixed, weaker) = (stream.chance(self.mixes), stream.chance(self.weaker));
        let (strength, photo) = (stream.uniform(0.0, 1.0), stream.chance(self.photos));
        let strength = if photo {
            0.0
        } else if weaker {
            strength
        } else {
            1.0
        };
        let share = if mixed { share } else { 1.0 };
        style[first] += strength * share;
        style[second] += strength * (1.0 - share);
        style
    }

    /// What is wrong with the shares, if anything is.
    pub fn fault(&self) -> Option<String> {
        let shares = [("mixes", self.mixes), ("weaker", self.weaker), ("photos", self.photos)];
        let wrong = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share));
        wrong.map(|(name, share)| format!("styles.{name} is {share}: a share lies in 0..1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(styles: &Styles) -> Vec<Vec<f32>> {
        (0..2000).map(|i| styles.draw(4, &mut Stream::derive(1, "style", i))).collect()
    }

    #[test]
    fn weights_are_a_share_of_one() {
        for style in drawn(&Styles { mixes: 0.5, weaker: 0.5, photos: 0.1 }) {
            assert!(style.iter().all(|w| (0.0..=1.0).contains(w)), "{style:?}");
            assert!(style.iter().sum::<f32>() <= 1.0 + 1e-6, "{style:?}");
            assert!(style.iter().filter(|w| **w > 0.0).count() <= 2, "{style:?}");
        }
    }

    #[test]
    fn every_kind_comes_as_often_as_asked() {
        let drawn = drawn(&Styles::default());
        let count = |kind: &dyn Fn(&Vec<f32>) -> bool| drawn.iter().filter(|style| kind(style)).count();
        for look in 0..4 {
            // 0.25 · (0.85 + 0.15 / 4) · 0.88 · 0.97 of 2000 is 379, within 5 standard deviations.
            let pure = count(&|style| style[look] == 1.0);
            assert!((291..=467).contains(&pure), "look {look} came {pure} times");
        }
        let photos = count(&|style| style.iter().all(|w| *w == 0.0));
        assert!((22..=98).contains(&photos), "{photos} photos");
    }
}
