//! Which style a sample is drawn in.
//!
//! A style is a weight for each look, in 0..1; their sum is the strength. Its
//! target blends the looks' pixels by the weights and leaves the rest of 1 to
//! the photo. All of them are drawn over the photo's own edges, so a blend is
//! as crisp as they are.

use super::rng::Stream;
use rand::distr::{Distribution, weighted::WeightedIndex};
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
    /// How often each look comes, to one another, so that a harder look may be
    /// seen oftener; equally often where this is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub often: Vec<f32>,
}

impl Default for Styles {
    fn default() -> Self {
        Self { mixes: 0.15, weaker: 0.12, photos: 0.03, often: Vec::new() }
    }
}

impl Styles {
    /// A style of `looks` looks.
    pub fn draw(&self, looks: usize, stream: &mut Stream) -> Vec<f32> {
        let mut style = vec![0.0; looks];
        let weights = self.weights(looks);
        let pick = |stream: &mut Stream| weights.as_ref().map_or(0, |weights| weights.sample(stream));
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

    /// Chances of the looks; none where `often` cannot be chances (see [`Self::fault`]).
    fn weights(&self, looks: usize) -> Option<WeightedIndex<f32>> {
        if self.often.is_empty() {
            return WeightedIndex::new(std::iter::repeat_n(1.0, looks)).ok();
        }
        WeightedIndex::new(&self.often).ok()
    }

    /// What is wrong with the settings for `looks` looks, if anything is.
    pub fn fault(&self, looks: usize) -> Option<String> {
        if !self.often.is_empty() && (self.often.len() != looks || self.weights(looks).is_none()) {
            return Some(format!(
                "styles.often is {:?}: it takes a number of at least 0 for each of the {looks} looks, not all of them 0",
                self.often
            ));
        }
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
        for style in drawn(&Styles { mixes: 0.5, weaker: 0.5, photos: 0.1, ..Styles::default() }) {
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

    #[test]
    fn a_look_may_come_oftener_and_another_never() {
        let styles = Styles { mixes: 0.0, weaker: 0.0, photos: 0.0, often: vec![1.0, 0.0, 2.0, 1.0] };
        let drawn = drawn(&styles);
        let came: Vec<usize> = (0..4).map(|look| drawn.iter().filter(|style| style[look] == 1.0).count()).collect();
        // 500, 0, 1000 and 500 of 2000, within 5 standard deviations.
        assert!((403..=597).contains(&came[0]) && came[1] == 0, "{came:?}");
        assert!((888..=1112).contains(&came[2]) && (403..=597).contains(&came[3]), "{came:?}");
    }

    #[test]
    fn chances_must_be_one_for_each_look() {
        for (often, sound) in [
            (vec![], true),
            (vec![1.0, 2.0], true),
            (vec![1.0, 0.0], true),
            (vec![1.0], false),
            (vec![1.0, -1.0], false),
            (vec![0.0, 0.0], false),
            (vec![1.0, f32::NAN], false),
        ] {
            let fault = Styles { often: often.clone(), ..Styles::default() }.fault(2);
            assert_eq!(fault.is_none(), sound, "{often:?}: {fault:?}");
        }
    }
}
