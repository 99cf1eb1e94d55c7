//! Which look to draw, how much of it: words to numbers.

use super::card::Card;
use candle_core::{Device, Result, Tensor};

/// What a model is to draw, in the terms of its network.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// The weight of each style times the strength; empty where the network
    /// draws in one style only.
    weights: Vec<f32>,
    /// How much of the drawing to lay over the photo, 0..1; 1 where the
    /// network draws the strength itself.
    pub blend: f32,
    /// Where the masks of a network that draws with dropout come from; `None`: it draws without.
    pub seed: Option<u64>,
}

impl Style {
    /// The style that `text` names among those of `card`, at `strength` in 0..1.
    /// `cel` is one style, `cel:0.7,gouache:0.3` a mix: weights count by their
    /// share of the sum. Without a text it is the card's first style.
    ///
    /// # Errors
    /// A sentence without its subject: what is wrong and what is allowed.
    pub fn of(card: &Card, text: Option<&str>, strength: f32) -> std::result::Result<Self, String> {
        let parts = match (text, card.styles.first()) {
            (Some(text), _) => parse(card, text)?,
            (None, Some(_)) => vec![(0, 1.0)],
            (None, None) => Vec::new(),
        };
        let entries = card.architecture.styles();
        if entries == 0 {
            if parts.len() > 1 {
                return Err(format!("names several styles, which the model `{}` cannot mix; name one", card.name));
            }
            return Ok(Self { weights: Vec::new(), blend: strength, seed: None });
        }
        let sum: f32 = parts.iter().map(|(_, weight)| weight).sum();
        let mut weights = vec![0.0; entries];
        for (index, weight) in parts {
            weights[index] += strength * weight / sum;
        }
        // The network's strength 0 is very nearly the photo; the photo itself is free.
        Ok(Self { weights, blend: if strength > 0.0 { 1.0 } else { 0.0 }, seed: None })
    }

    /// The weight of each style times the strength; empty where the network draws in one style.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// `(1, styles)` for the network; none where it draws in one style.
    ///
    /// # Errors
    /// When the device fails.
    pub fn tensor(&self, device: &Device) -> Result<Option<Tensor>> {
        match self.weights.len() {
            0 => Ok(None),
            styles => Tensor::from_slice(&self.weights, (1, styles), device).map(Some),
        }
    }
}

/// The parts of a mix: an index among the card's styles, and a weight above 0.
fn parse(card: &Card, text: &str) -> std::result::Result<Vec<(usize, f32)>, String> {
    let known = || card.styles.iter().map(|style| format!("`{style}`")).collect::<Vec<_>>().join(", ");
    let part = |part: &str| {
        let (name, weight) = part.split_once(':').unwrap_or((part, "1"));
        let index = card.styles.iter().position(|style| style == name.trim()).ok_or_else(|| {
            let name = name.trim();
            format!("`{name}` is not a style of the model `{}`; its styles are {}", card.name, known())
        })?;
        let weight = weight.trim().parse().ok().filter(|weight: &f32| weight.is_finite() && *weight >= 0.0);
        let weight = weight.ok_or_else(|| {
            format!("gives `{name}` a weight that is no number from 0 on; a mix is written like `cel:0.7,gouache:0.3`")
        })?;
        Ok((index, weight))
    };
    let parts = text.split(',').map(part).collect::<std::result::Result<Vec<_>, String>>()?;
    match parts.iter().any(|(_, weight)| *weight > 0.0) {
        true => Ok(parts.into_iter().filter(|(_, weight)| *weight > 0.0).collect()),
        false => Err("gives every style the weight 0; one at least must be above".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn card(styles: usize) -> Card {
        let text = format!(
            r#"
            title = "T"
            description = ""
            licence = "MIT"
            styles = ["cel", "gouache", "ink"]
            size_multiple = 16
            value_range = [-1.0, 1.0]
            source = {{ command = "", data = "" }}
            architecture = {{ kind = "anime", widths = [4], blocks = 0, styles = {styles} }}
            weights = {{ generator = {{ file = "", sha256 = "" }} }}
            "#
        );
        Card { name: "m".into(), ..toml::from_str(&text).unwrap() }
    }

    fn weights(text: Option<&str>, strength: f32) -> Vec<f32> {
        Style::of(&card(3), text, strength).unwrap().weights
    }

    #[test]
    fn a_mix_is_convex_and_strength_scales_it() {
        assert_eq!(weights(None, 1.0), [1.0, 0.0, 0.0]);
        assert_eq!(weights(Some("gouache"), 0.5), [0.0, 0.5, 0.0]);
        assert_eq!(weights(Some("cel:3, ink:1"), 1.0), [0.75, 0.0, 0.25]);
        assert_eq!(weights(Some("cel:0,ink:0.2"), 1.0), [0.0, 0.0, 1.0]);
        assert_eq!(weights(Some("cel,cel:3,ink:4"), 1.0), [0.5, 0.0, 0.5]);
    }

    #[test]
    fn strength_is_the_networks_where_it_has_styles() {
        let blend = |styles, strength| Style::of(&card(styles), Some("cel"), strength).unwrap().blend;
        assert_eq!([blend(3, 1.0), blend(3, 0.4), blend(3, 0.0)], [1.0, 1.0, 0.0]);
        assert_eq!([blend(0, 1.0), blend(0, 0.4), blend(0, 0.0)], [1.0, 0.4, 0.0]);
        assert!(Style::of(&card(0), Some("ink"), 1.0).unwrap().tensor(&Device::Cpu).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        for (styles, text, says) in [
            (3, "oil", "`oil` is not a style of the model `m`; its styles are `cel`, `gouache`, `ink`"),
            (3, "", "`` is not a style"),
            (3, "cel:x", "a weight that is no number"),
            (3, "cel:-1,ink", "a weight that is no number"),
            (3, "cel:inf", "a weight that is no number"),
            (3, "cel:0", "every style the weight 0"),
            (0, "cel,ink", "cannot mix"),
        ] {
            let problem = Style::of(&card(styles), Some(text), 1.0).unwrap_err();
            assert!(problem.contains(says), "{text}: {problem}");
        }
    }
}
