//! Four numbers that take every step together, so that one cosine transform serves three channels.

use num_traits::{FloatConst, FromPrimitive, Num, One, Signed, Zero};
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

/// Arithmetic lane by lane: what [`rustdct`] asks of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lanes(pub [f32; 4]);

impl Lanes {
    fn all(value: f32) -> Self {
        Self([value; 4])
    }

    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }
}

macro_rules! lane_by_lane {
    ($($operator:ident $name:ident)*) => {$(
        impl $operator for Lanes {
            type Output = Self;
            fn $name(self, other: Self) -> Self {
                let (a, b) = (self.0, other.0);
                Self([a[0].$name(b[0]), a[1].$name(b[1]), a[2].$name(b[2]), a[3].$name(b[3])])
            }
        }
    )*};
}
lane_by_lane! { Add add Sub sub Mul mul Div div Rem rem }

impl Neg for Lanes {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(f32::neg)
    }
}

impl Zero for Lanes {
    fn zero() -> Self {
        Self::all(0.0)
    }
    fn is_zero(&self) -> bool {
        *self == Self::zero()
    }
}

impl One for Lanes {
    fn one() -> Self {
        Self::all(1.0)
    }
}

impl Num for Lanes {
    type FromStrRadixErr = <f32 as Num>::FromStrRadixErr;
    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        f32::from_str_radix(text, radix).map(Self::all)
    }
}

impl Signed for Lanes {
    fn abs(&self) -> Self {
        self.map(f32::abs)
    }
    fn abs_sub(&self, other: &Self) -> Self {
        (*self - *other).map(|difference| difference.max(0.0))
    }
    fn signum(&self) -> Self {
        self.map(f32::signum)
    }
    fn is_positive(&self) -> bool {
        self.0.iter().all(|lane| *lane > 0.0)
    }
    fn is_negative(&self) -> bool {
        self.0.iter().all(|lane| *lane < 0.0)
    }
}

impl FromPrimitive for Lanes {
    fn from_i64(n: i64) -> Option<Self> {
        f32::from_i64(n).map(Self::all)
    }
    fn from_u64(n: u64) -> Option<Self> {
        f32::from_u64(n).map(Self::all)
    }
    fn from_f64(n: f64) -> Option<Self> {
        f32::from_f64(n).map(Self::all)
    }
}

macro_rules! constants {
    ($($name:ident)*) => {
        #[allow(non_snake_case)]
        impl FloatConst for Lanes {
            $(fn $name() -> Self { Self::all(f32::$name()) })*
        }
    };
}
constants! {
    E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3 FRAC_PI_4 FRAC_PI_6 FRAC_PI_8
    LN_10 LN_2 LOG10_E LOG2_E PI SQRT_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustdct::DctPlanner;

    /// Every lane's transform is the one that it would have had alone.
    #[test]
    fn lanes_transform_as_single_numbers_do() {
        for length in [1, 2, 3, 16, 24, 37, 64, 100] {
            let value = |i: usize, lane: usize| ((i * 7 + lane * 5 + i * lane) % 11) as f32 / 11.0 - 0.4;
            let mut lanes: Vec<_> = (0..length).map(|i| Lanes([0, 1, 2, 3].map(|lane| value(i, lane)))).collect();
            DctPlanner::new().plan_dct2(length).process_dct2(&mut lanes);
            for lane in 0..4 {
                let mut alone: Vec<f32> = (0..length).map(|i| value(i, lane)).collect();
                DctPlanner::new().plan_dct2(length).process_dct2(&mut alone);
                for (lanes, alone) in lanes.iter().zip(&alone) {
                    assert!((lanes.0[lane] - alone).abs() < 1e-5, "length {length}, lane {lane}");
                }
            }
        }
    }
}
