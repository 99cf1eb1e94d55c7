//! Winograd's transforms along one side of a tile: polynomials' products from their values at some points.
//!
//! Tiles of two outputs take the points 0, 1 (and −1) and infinity, tiles of four 0, ±[`NEAR`], [`FAR`] (and −[`FAR`])
//! and infinity. With 0, ±1, ±2 two bits more would be lost (Barabasz et al. 2020 on how points are chosen).

use crate::kernels::plan::Vector;

const NEAR: f64 = 0.75;
const FAR: f64 = 1.5;

/// The points besides infinity, by the taps of a window and the outputs of a tile.
const PLACES: [((usize, usize), &[f64]); 4] = [
    ((2, 2), &[0.0, 1.0]),
    ((3, 2), &[0.0, 1.0, -1.0]),
    ((2, 4), &[0.0, NEAR, -NEAR, FAR]),
    ((3, 4), &[0.0, NEAR, -NEAR, FAR, -FAR]),
];

/// `G`, `(points, taps)`: the polynomial of a window's weights at each point, over what [`inputs`]' polynomials are
/// there, and at infinity.
pub fn weights(taps: usize, tile: usize) -> Vec<Vec<f64>> {
    let places = PLACES.iter().find(|(form, _)| *form == (taps, tile)).map_or(&[][..], |(_, places)| places);
    let at = |place: &f64| {
        let others: f64 = places.iter().filter(|other| *other != place).map(|other| place - other).product();
        (0..taps).map(|power| place.powi(power as i32) / others).collect()
    };
    let infinity = (0..taps).map(|power| if power + 1 == taps { 1.0 } else { 0.0 }).collect();
    places.iter().map(at).chain([infinity]).collect()
}

/// `Bᵀ d`: a tile's inputs to points, each row the coefficients of the polynomial that is 0 at all other points.
///
/// # Safety
/// Of this and the others: the machine has the vector's instructions.
#[inline(always)]
pub unsafe fn inputs<V: Vector, const SIDE: usize>(values: [V; SIDE]) -> [V; SIDE] {
    let mut points = values;
    // SAFETY: as the caller says.
    unsafe {
        let less = |a: V, b: V, times: f64| V::all(-times as f32).mul_add(b, a);
        let both = |a: V, b: V, place: f64| [less(a, b, -place), less(a, b, place)];
        match (values.as_slice(), points.as_mut_slice()) {
            (&[a, b, c], [first, _, last]) => [*first, *last] = [b.sub(a), c.sub(b)],
            (&[a, b, c, d], points) => points.copy_from_slice(&[c.sub(a), b.add(c), c.sub(b), d.sub(b)]),
            (&[a, b, c, d, e], [zero, near, below, far, infinity]) => {
                // What `x − FAR` divides, from x⁰, x¹, x² and x³ on.
                let [m, n, o, p] = [less(b, a, FAR), less(c, b, FAR), less(d, c, FAR), less(e, d, FAR)];
                [*near, *below] = both(o, n, NEAR);
                [*zero, *far, *infinity] = [less(o, m, NEAR * NEAR), less(d, b, NEAR * NEAR), less(p, n, NEAR * NEAR)];
            }
            (&[a, b, c, d, e, f], [zero, near, below, far, far_below, infinity]) => {
                // What `x² − FAR²` divides, from x⁰, x¹, x² and x³ on.
                let [m, n] = [less(c, a, FAR * FAR), less(d, b, FAR * FAR)];
                let [o, p] = [less(e, c, FAR * FAR), less(f, d, FAR * FAR)];
                [*near, *below] = both(o, n, NEAR);
                [*far, *far_below] = both(less(e, c, NEAR * NEAR), less(d, b, NEAR * NEAR), FAR);
                [*zero, *infinity] = [less(o, m, NEAR * NEAR), less(p, n, NEAR * NEAR)];
            }
            _ => unreachable!("tiles have three to six points a side"),
        }
    }
    points
}

/// `B p`, the transpose of [`inputs`].
///
/// # Safety
/// See [`inputs`].
#[inline(always)]
pub unsafe fn inputs_back<V: Vector, const SIDE: usize>(points: [V; SIDE]) -> [V; SIDE] {
    let mut values = points;
    // SAFETY: as the caller says.
    unsafe {
        let less = |a: V, b: V, times: f64| V::all(-times as f32).mul_add(b, a);
        let times = |a: V, times: f64| V::all(times as f32).mul(a);
        match (points.as_slice(), values.as_mut_slice()) {
            (&[a, b, c], values) => values.copy_from_slice(&[times(a, -1.0), a.add(b).sub(c), c]),
            (&[a, b, c, d], values) => {
                values.copy_from_slice(&[times(a, -1.0), b.sub(c).sub(d), a.add(b).add(c), d]);
            }
            (&[zero, near, below, far, infinity], values) => {
                let (m, o) = (times(zero, -NEAR * NEAR), zero.add(near).add(below));
                let n = less(times(near.sub(below), NEAR), infinity, NEAR * NEAR);
                let b = less(less(m, n, FAR), far, NEAR * NEAR);
                let d = less(o.add(far), infinity, FAR);
                values.copy_from_slice(&[times(m, -FAR), b, less(n, o, FAR), d, infinity]);
            }
            (&[zero, near, below, far, far_below, infinity], values) => {
                let (m, o) = (times(zero, -NEAR * NEAR), zero.add(near).add(below));
                let n = less(times(near.sub(below), NEAR), infinity, NEAR * NEAR);
                let (q, r) = (far.add(far_below), times(far.sub(far_below), FAR));
                let b = less(times(n, -FAR * FAR), r, NEAR * NEAR);
                let c = less(less(m, o, FAR * FAR), q, NEAR * NEAR);
                let d = less(n.add(r), infinity, FAR * FAR);
                values.copy_from_slice(&[times(m, -FAR * FAR), b, c, d, o.add(q), infinity]);
            }
            _ => unreachable!("tiles have three to six points a side"),
        }
    }
    values
}

/// `Aᵀ p`: points to a tile's outputs, sums over the points times their powers.
///
/// # Safety
/// See [`inputs`].
#[inline(always)]
pub unsafe fn outputs<V: Vector, const SIDE: usize, const TILE: usize>(points: [V; SIDE]) -> [V; TILE] {
    // SAFETY: as the caller says.
    unsafe {
        let mut values = [V::all(0.0); TILE];
        match (points.as_slice(), values.as_mut_slice()) {
            (&[a, b, c], values) => values.copy_from_slice(&[a.add(b), b.add(c)]),
            (&[a, b, c, d], values) => values.copy_from_slice(&[a.add(b).add(c), b.sub(c).add(d)]),
            (&[zero, near, below, far, infinity], values) => {
                let near = (near.add(below), near.sub(below));
                values.copy_from_slice(&powers(zero, near, (far, far), infinity));
            }
            (&[zero, near, below, far, far_below, infinity], values) => {
                let near = (near.add(below), near.sub(below));
                let far = (far.add(far_below), far.sub(far_below));
                values.copy_from_slice(&powers(zero, near, far, infinity));
            }
            _ => unreachable!("tiles have three to six points a side"),
        }
        values
    }
}

/// The four outputs of a tile from what pairs of points add to even and to odd powers.
#[inline(always)]
unsafe fn powers<V: Vector>(zero: V, (even, odd): (V, V), (far_even, far_odd): (V, V), infinity: V) -> [V; 4] {
    // SAFETY: as the caller says.
    unsafe {
        let sum = |near: V, far: V, power: i32| {
            V::all(NEAR.powi(power) as f32).mul_add(near, V::all(FAR.powi(power) as f32).mul(far))
        };
        [zero.add(even).add(far_even), sum(odd, far_odd, 1), sum(even, far_even, 2), sum(odd, far_odd, 3).add(infinity)]
    }
}

/// `A y`, the transpose of [`outputs`]: the polynomial of a tile's outputs at each point.
///
/// # Safety
/// See [`inputs`].
#[inline(always)]
pub unsafe fn outputs_back<V: Vector, const SIDE: usize, const TILE: usize>(values: [V; TILE]) -> [V; SIDE] {
    // SAFETY: as the caller says.
    unsafe {
        let mut points = [V::all(0.0); SIDE];
        let halves = |[a, b, c, d]: [V; 4], place: f64| {
            let square = V::all((place * place) as f32);
            (square.mul_add(c, a), V::all(place as f32).mul(square.mul_add(d, b)))
        };
        match (values.as_slice(), points.as_mut_slice()) {
            (&[a, b], [zero, one, infinity]) => [*zero, *one, *infinity] = [a, a.add(b), b],
            (&[a, b], points) => points.copy_from_slice(&[a, a.add(b), a.sub(b), b]),
            (&[a, b, c, d], [zero, near, below, far, rest @ .., infinity]) => {
                let (even, odd) = halves([a, b, c, d], NEAR);
                let (far_even, far_odd) = halves([a, b, c, d], FAR);
                [*zero, *near, *below, *infinity] = [a, even.add(odd), even.sub(odd), d];
                *far = far_even.add(far_odd);
                rest.iter_mut().for_each(|far_below| *far_below = far_even.sub(far_odd));
            }
            _ => unreachable!("tiles have two or four outputs a side"),
        }
        points
    }
}
