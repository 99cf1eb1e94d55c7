//! The parameters of a drawing, with the same names everywhere: in the query
//! and as fields of a form.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;

use super::problem::Problem;
use crate::engine::{Job, MAX_SIDE, Settings};
use crate::imaging::{Format, Picture, Quality};

/// The names of all parameters.
pub const NAMES: [&str; 8] = ["model", "style", "strength", "seed", "max_side", "size", "format", "quality"];

/// The longest value that can make sense, in bytes.
const MAX_VALUE: usize = 1024;

/// What a client asks for besides its photo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// The model's name; none for the default.
    pub model: Option<String>,
    /// A style of the model.
    pub style: Option<String>,
    /// 0 is the photo, 1 (the default) the drawing.
    pub strength: Option<f32>,
    /// For models that draw with chance.
    pub seed: Option<u64>,
    /// The longest side of the answer, in pixels.
    pub max_side: Option<u32>,
    /// `size=original`: the answer has the photo's own size.
    pub original_size: bool,
    /// The answer's format; one that we write.
    pub format: Option<Format>,
    /// The answer's quality: 1 to 100 for JPEG and WebP, or lossless.
    pub quality: Option<Quality>,
}

impl Parameters {
    /// Reads name-value pairs, from wherever they come.
    ///
    /// # Errors
    /// A 400 [`Problem`] that names what is allowed, for an unknown name, a
    /// name given twice and a value out of range.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Problem> {
        let mut parameters = Self::default();
        let mut seen = Vec::with_capacity(NAMES.len());
        for (name, value) in pairs {
            let name = *NAMES.iter().find(|known| **known == name).ok_or_else(|| unknown(name))?;
            if seen.contains(&name) {
                return Err(Problem::bad_parameter(format!("`{name}` is given twice; give it once")));
            }
            seen.push(name);
            if value.len() > MAX_VALUE {
                return Err(wrong(name, format_args!("is longer than {MAX_VALUE} bytes")));
            }
            parameters.set(name, value)?;
        }
        Ok(parameters)
    }

    fn set(&mut self, name: &'static str, value: &str) -> Result<(), Problem> {
        match name {
            "model" => self.model = Some(value.to_owned()),
            "style" => self.style = Some(value.to_owned()),
            "strength" => self.strength = Some(number(name, value, 0.0..=1.0)?),
            "seed" => self.seed = Some(number(name, value, 0..=u64::MAX)?),
            "max_side" => self.max_side = Some(number(name, value, 1..=MAX_SIDE)?),
            "size" if value == "original" => self.original_size = true,
            "size" => return Err(wrong(name, "must be `original`, or be left out")),
            "format" => self.format = Some(format(value)?),
            "quality" => self.quality = Some(value.parse().map_err(|rule: String| wrong(name, rule))?),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// What the engine can check before the photo is decoded.
    pub fn settings(&self) -> Settings<'_> {
        Settings {
            model: self.model.as_deref(),
            style: self.style.as_deref(),
            strength: self.strength(),
            max_side: self.max_side,
        }
    }

    /// What makes the drawing what it is, as it was asked for.
    pub fn told(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("style", self.style.clone()),
            ("strength", self.strength.map(|strength| strength.to_string())),
            ("seed", self.seed.map(|seed| seed.to_string())),
            ("max_side", self.max_side.map(|side| side.to_string())),
            ("size", self.original_size.then(|| "original".to_owned())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The job of drawing `photo` like this.
    pub fn into_job(self, photo: Picture) -> Job {
        Job {
            photo,
            strength: self.strength(),
            model: self.model,
            style: self.style,
            seed: self.seed,
            max_side: self.max_side,
            original_size: self.original_size,
        }
    }

    fn strength(&self) -> f32 {
        self.strength.unwrap_or(1.0)
    }
}

/// The pairs of a query.
///
/// # Errors
/// A 400 [`Problem`] where it is not form-encoded UTF-8.
pub fn from_query(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    Query::try_from_uri(uri)
        .map(|Query(pairs)| pairs)
        .map_err(|_| Problem::malformed("the query is not of the form name=value&name=value in UTF-8"))
}

fn number<T>(name: &'static str, value: &str, range: RangeInclusive<T>) -> Result<T, Problem>
where
    T: FromStr + PartialOrd + Display,
{
    value
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| wrong(name, format_args!("must be a number from {} to {}", range.start(), range.end())))
}

fn format(value: &str) -> Result<Format, Problem> {
    match value {
        "png" => Ok(Format::Png),
        "jpeg" => Ok(Format::Jpeg),
        "webp" => Ok(Format::WebP),
        _ => Err(wrong("format", "must be `png`, `jpeg` or `webp`")),
    }
}

fn wrong(name: &'static str, rule: impl Display) -> Problem {
    Problem::bad_parameter(format!("`{name}` {rule}"))
}

/// The answer to a name that is none of ours.
pub fn unknown(name: &str) -> Problem {
    let short: String = name.chars().take(64).collect();
    Problem::bad_parameter(format!(
        "`{short}` is not a parameter; the parameters are {}, and a form's photo is the field `image`",
        NAMES.map(|name| format!("`{name}`")).join(", ")
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_parameter_is_read() {
        let pairs = [
            ("model", "anime"),
            ("style", "cel"),
            ("strength", "0.5"),
            ("seed", "18446744073709551615"),
            ("max_side", "512"),
            ("size", "original"),
            ("format", "webp"),
            ("quality", "80"),
        ];
        let expected = Parameters {
            model: Some("anime".into()),
            style: Some("cel".into()),
            strength: Some(0.5),
            seed: Some(u64::MAX),
            max_side: Some(512),
            original_size: true,
            format: Some(Format::WebP),
            quality: Some(Quality::Level(80)),
        };
        assert_eq!(Parameters::parse(pairs).unwrap(), expected);
        assert_eq!(Parameters::parse([]).unwrap(), Parameters::default());
    }

    #[test]
    fn a_wrong_value_names_what_is_allowed() {
        for (name, value, rule) in [
            ("strength", "1.01", "from 0 to 1"),
            ("strength", "-0.1", "from 0 to 1"),
            ("strength", "NaN", "from 0 to 1"),
            ("strength", "", "from 0 to 1"),
            ("seed", "-1", "from 0 to 18446744073709551615"),
            ("max_side", "0", "from 1 to 16384"),
            ("max_side", "16385", "from 1 to 16384"),
            ("max_side", "512.5", "from 1 to 16384"),
            ("size", "half", "`original`"),
            ("format", "gif", "`png`, `jpeg` or `webp`"),
            ("quality", "0", "from 1 to 100"),
            ("quality", "101", "from 1 to 100"),
            ("colour", "red", "`model`, `style`, `strength`"),
            ("Model", "anime", "`model`"),
        ] {
            let problem = Parameters::parse([(name, value)]).unwrap_err();
            assert!(problem.detail().contains(rule), "{name}={value}: {}", problem.detail());
            assert!(problem.detail().contains(name), "{name}={value}: {}", problem.detail());
        }
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let problem = Parameters::parse([("seed", "1"), ("seed", "1")]).unwrap_err();
        assert!(problem.detail().contains("`seed` is given twice"));
    }

    proptest! {
        #[test]
        fn no_pairs_break_the_parser(pairs: Vec<(prop::sample::Index, String)>, strange: Option<String>) {
            let known = pairs.iter().map(|(name, value)| (NAMES[name.index(NAMES.len())], value.as_str()));
            let _ = Parameters::parse(known.chain(strange.as_deref().map(|name| (name, "1"))));
        }

        #[test]
        fn what_is_taken_is_within_its_range(
            strength in "-?[0-9.eE+naif]{0,6}",
            seed in "[-+0-9]{0,22}",
            max_side in "[-+0-9]{0,7}",
            quality in "[-+0-9]{0,4}|lossless",
        ) {
            let pairs = [("strength", &strength), ("seed", &seed), ("max_side", &max_side), ("quality", &quality)];
            for (name, value) in pairs {
                let Ok(read) = Parameters::parse([(name, value.as_str())]) else { continue };
                prop_assert!((0.0..=1.0).contains(&read.strength()));
                prop_assert!(read.max_side.is_none_or(|side| (1..=MAX_SIDE).contains(&side)));
                prop_assert!(!matches!(read.quality, Some(Quality::Level(level)) if !(1..=100).contains(&level)));
            }
        }
    }
}
