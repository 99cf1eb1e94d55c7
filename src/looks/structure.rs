//! The smoothed structure tensor: which way edges run, and how sure that is.
//!
//! Brox, Boomgaard, Lauze, van de Weijer, Weickert, Mrázek, Kornprobst, "Adaptive structure tensors and
//! their applications" (2006); as used by Kyprianidis and Döllner, "Image Abstraction by Structure
//! Adaptive Filtering" (2008).

use super::blur;
use super::raster::{Raster, Rgb, mirror_101};

/// The local flow at one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Unit vector (x right, y down) along the edge, sign arbitrary.
    pub tangent: [f32; 2],
    /// 0 where no direction stands out, 1 on a straight edge.
    pub anisotropy: f32,
}

/// The flow of `image` (sRGB in 0..=1), its tensor averaged by a Gaussian of `sigma` pixels.
pub fn flow(image: &Raster<Rgb>, sigma: f32) -> Raster<Flow> {
    let grey = image.map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b);
    blur::gaussian(&tensor(&grey), sigma).map(eigen)
}

/// `[gx², gx·gy, gy²]` from the Sobel gradient, scaled to steps per two pixels.
fn tensor(grey: &Raster<f32>) -> Raster<[f32; 3]> {
    let (w, h) = (grey.width, grey.height);
    Raster::draw_rows(w, h, |y, out| {
        let [above, here, below] = [-1, 0, 1].map(|d| grey.row(mirror_101(y as isize + d, h)));
        out.extend((0..w).map(|x| {
            let (l, r) = (mirror_101(x as isize - 1, w), mirror_101(x as isize + 1, w));
            let gx = (above[r] - above[l] + 2.0 * (here[r] - here[l]) + below[r] - below[l]) / 4.0;
            let gy = (below[l] - above[l] + 2.0 * (below[x] - above[x]) + below[r] - above[r]) / 4.0;
            [gx * gx, gx * gy, gy * gy]
        }));
    })
}

/// The minor eigenvector of `[[e, f], [f, h]]` and (λ₁ − λ₂) / (λ₁ + λ₂).
fn eigen([e, f, h]: [f32; 3]) -> Flow {
    let (across, along) = (e - h, 2.0 * f);
    let spread = (across * across + along * along).sqrt();
    // The gradient's angle is half of atan2(along, across), in −90°..=90°. Half-angle formulas give its
    // cosine and sine without trigonometry; each branch keeps away from its cancellation.
    let (cos, sin) = if spread == 0.0 {
        (1.0, 0.0)
    } else if across >= 0.0 {
        let cos = ((1.0 + across / spread) / 2.0).sqrt();
        (cos, along / spread / (2.0 * cos))
    } else {
        let sin = ((1.0 - across / spread) / 2.0).sqrt().copysign(along);
        (along / spread / (2.0 * sin), sin)
    };
    Flow { tangent: [-sin, cos], anisotropy: spread / (e + h + 1e-6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tangent_runs_along_stripes() {
        for degrees in [0.0f32, 20.0, 45.0, 80.0, 90.0, 135.0, 170.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let stripes = Raster::draw(41, 37, |x, y| {
                let v = 0.5 + 0.4 * (0.5 * (cos * x as f32 + sin * y as f32)).sin();
                [v, v, v]
            });
            let Flow { tangent: [tx, ty], anisotropy } = flow(&stripes, 2.0).at(20, 18);
            assert!((tx * tx + ty * ty - 1.0).abs() < 1e-5);
            assert!((tx * cos + ty * sin).abs() < 0.02, "{degrees}°: tangent ({tx}, {ty})");
            assert!(anisotropy > 0.95, "{degrees}°: {anisotropy}");
        }
    }

    #[test]
    fn a_flat_picture_has_no_direction() {
        let flat = Raster::draw(9, 7, |_, _| [0.3f32, 0.6, 0.1]);
        assert!(flow(&flat, 2.0).data.iter().all(|f| f.anisotropy < 1e-6));
    }
}
