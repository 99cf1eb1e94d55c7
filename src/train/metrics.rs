//! Figures that say how near a drawing is to its target.
//!
//! All are taken at the pictures' own size. Grey is BT.709 luma of the sRGB
//! values in 0..1. The conventions are scikit-image's and SciPy's; each
//! module's tests hold its figures against theirs.

mod edges;
mod frechet;
mod grey;
mod laplacian;
mod ms_ssim;
mod spectrum;
mod ssim;

pub use frechet::{RandomNetwork, Textures};

use crate::imaging::Picture;
use grey::Grey;
use serde::{Deserialize, Serialize};

/// PSNR of equal pictures, in dB: it would be infinite, which JSON cannot say.
/// Pictures of 8 bits that differ stay below it up to 20 megapixels.
const PSNR_OF_EQUALS: f64 = 120.0;

/// How near a drawing is to its target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Mean absolute difference of the RGB values in 0..1; 0 is best.
    pub l1: f64,
    /// Peak signal-to-noise ratio of RGB in dB, peak 1; higher is better, 120 at most.
    pub psnr: f64,
    /// Structural similarity of grey; 1 is best.
    pub ssim: f64,
    /// The same at up to five scales; 1 is best.
    #[serde(default)]
    pub ms_ssim: f64,
    /// Variance of the Laplacian of grey, drawing over target: below 1 is
    /// softer than the target, above 1 harsher.
    pub laplacian_ratio: f64,
    /// Mean power on the Nyquist row and column of the drawing's spectrum over
    /// its mean power: higher where pixels alternate in rows or columns.
    pub checkerboard: f64,
    /// F1 of the drawing's edges, found and true within a pixel; 1 is best.
    pub edge_f1: f64,
}

impl Figures {
    /// Names and values, in the order in which they are printed.
    pub fn named(&self) -> [(&'static str, f64); 7] {
        [
            ("l1", self.l1),
            ("psnr", self.psnr),
            ("ssim", self.ssim),
            ("ms_ssim", self.ms_ssim),
            ("laplacian_ratio", self.laplacian_ratio),
            ("checkerboard", self.checkerboard),
            ("edge_f1", self.edge_f1),
        ]
    }
}

/// The figures of `drawn` held against `target`; alpha plays no part.
///
/// # Panics
/// When the two differ in size.
pub fn figures(drawn: &Picture, target: &Picture) -> Figures {
    assert_eq!((drawn.width, drawn.height), (target.width, target.height), "pictures of one size");
    let (a, b) = (Grey::of(drawn), Grey::of(target));
    Figures {
        l1: l1(&drawn.rgb, &target.rgb),
        psnr: psnr(&drawn.rgb, &target.rgb),
        ssim: ssim::ssim(&a, &b),
        ms_ssim: ms_ssim::ms_ssim(&a, &b),
        laplacian_ratio: laplacian::ratio(&a, &b),
        checkerboard: spectrum::checkerboard(&a),
        edge_f1: edges::f1(&a, &b),
    }
}

/// The median of each figure; `None` where there are none.
pub fn medians(all: &[Figures]) -> Option<Figures> {
    let median = |pick: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = all.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
    };
    (!all.is_empty()).then(|| Figures {
        l1: median(|f| f.l1),
        psnr: median(|f| f.psnr),
        ssim: median(|f| f.ssim),
        ms_ssim: median(|f| f.ms_ssim),
        laplacian_ratio: median(|f| f.laplacian_ratio),
        checkerboard: median(|f| f.checkerboard),
        edge_f1: median(|f| f.edge_f1),
    })
}

fn l1(a: &[u8], b: &[u8]) -> f64 {
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / (255 * a.len()) as f64
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let squares: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    let mean = squares as f64 / (255.0 * 255.0 * a.len() as f64);
    (-10.0 * mean.log10()).min(PSNR_OF_EQUALS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Two pictures of one formula; the script below draws the same.
    pub(super) fn drawings(width: u32, height: u32) -> (Picture, Picture) {
        let draw = |shift: u32, contrast: u32| {
            let value = |i: u32| {
                let (x, y, c) = (i / 3 % width + shift, i / 3 / width, i % 3);
                let line = if (x + 2 * y) % 31 < 5 { 0 } else { 90 };
                let texture = (x * 7 + y * 13 + x * y * (c + 1)) % (8 * contrast);
                (line + texture + 30 * c) as u8
            };
            Picture { width, height, rgb: (0..3 * width * height).map(value).collect(), alpha: None }
        };
        (draw(0, 1), draw(3, 4))
    }

    // What NumPy, SciPy and scikit-image 0.26 say of `drawings`:
    //
    // import numpy as np, scipy.ndimage as ndi
    // from skimage.metrics import peak_signal_noise_ratio as psnr, structural_similarity as ssim
    // def draw(w, h, shift, contrast):
    //     y, x, c = np.meshgrid(np.arange(h), np.arange(w) + shift, np.arange(3), indexing="ij")
    //     line = np.where((x + 2 * y) % 31 < 5, 0, 90)
    //     return (line + (x * 7 + y * 13 + x * y * (c + 1)) % (8 * contrast) + 30 * c) / 255.0
    // def edges(g):
    //     return np.hypot(ndi.sobel(g, 0), ndi.sobel(g, 1)) / 4 > 0.2
    // for w, h in [(64, 48), (37, 29), (7, 9)]:
    //     a, b = draw(w, h, 0, 1), draw(w, h, 3, 4)
    //     grey = lambda p: p @ [0.2126, 0.7152, 0.0722]
    //     ga, gb = grey(a), grey(b)
    //     even = ga[:h // 2 * 2, :w // 2 * 2]
    //     power = abs(np.fft.fft2(even)) ** 2
    //     nyquist = np.concatenate([power[h // 2], power[:, w // 2]]).mean()
    //     ea, eb = edges(ga), edges(gb)
    //     near = lambda e: ndi.binary_dilation(e, np.ones((3, 3)))
    //     p, r = (ea & near(eb)).sum() / ea.sum(), (eb & near(ea)).sum() / eb.sum()
    //     print(abs(a - b).mean(), psnr(b, a, data_range=1), ssim(ga, gb, data_range=1),
    //           ndi.laplace(ga).var() / ndi.laplace(gb).var(), nyquist / power.mean(), 2 * p * r / (p + r))
    #[test]
    fn figures_are_those_of_scikit_image() {
        #[rustfmt::skip]
        let theirs = [
            ((64, 48), [0.10789249727668844, 15.590814401522115, 0.26289701544089955, 0.8533424089440842, 0.005062245918333394, 0.9898282496357899]),
            ((37, 29), [0.10687888700059087, 15.653229374494437, 0.2539483856768982, 0.8526852107433298, 0.024103665397845277, 0.9677921500315037]),
            ((7, 9), [0.08774769166926029, 16.936132460781504, 0.15278721085718214, 2.5977290752542017, 0.044757179120087955, 0.7777777777777778]),
        ];
        for ((width, height), theirs) in theirs {
            let (a, b) = drawings(width, height);
            // MS-SSIM has a test of its own.
            let ours = figures(&a, &b).named().into_iter().filter(|(name, _)| *name != "ms_ssim");
            for ((name, ours), theirs) in ours.zip(theirs) {
                assert!((ours - theirs).abs() <= 1e-9 * theirs, "{width}×{height} {name}: {ours}, not {theirs}");
            }
        }
    }

    #[test]
    fn a_picture_is_perfect_beside_itself() {
        for (width, height) in [(64, 48), (1, 1), (2, 1), (5, 30)] {
            let (a, _) = drawings(width, height);
            let same = figures(&a, &a);
            let checkerboard = same.checkerboard;
            assert!(checkerboard.is_finite());
            let best = Figures {
                l1: 0.0,
                psnr: 120.0,
                ssim: 1.0,
                ms_ssim: 1.0,
                laplacian_ratio: 1.0,
                checkerboard,
                edge_f1: 1.0,
            };
            assert_eq!(same, best, "{width}×{height}");
        }
    }

    #[test]
    fn figures_survive_json() {
        let (a, b) = drawings(1, 1);
        for figures in [figures(&a, &b), figures(&a, &a)] {
            let text = serde_json::to_string(&figures).unwrap();
            assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), figures, "{text}");
        }
    }

    #[test]
    fn medians_are_those_of_each_figure() {
        let of = |l1, psnr| Figures {
            l1,
            psnr,
            ssim: 0.5,
            ms_ssim: 0.5,
            laplacian_ratio: 1.0,
            checkerboard: 0.0,
            edge_f1: 0.0,
        };
        let odd = medians(&[of(0.3, 10.0), of(0.1, 30.0), of(0.2, 50.0)]).unwrap();
        assert_eq!((odd.l1, odd.psnr, odd.ssim), (0.2, 30.0, 0.5));
        assert_eq!(medians(&[of(0.25, 10.0), of(0.75, 30.0)]).unwrap().l1, 0.5);
        assert_eq!(medians(&[]), None);
    }
}
