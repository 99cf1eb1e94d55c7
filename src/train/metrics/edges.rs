//! Whether the lines lie where they should.

use super::grey::Grey;

/// Sobel magnitude of an edge, where a step of 1 has a magnitude of 1.
const EDGE: f64 = 0.2;

/// The harmonic mean of precision (the drawing's edge pixels with one of the
/// target's within a pixel, diagonals too) and recall (the other way round).
/// 1 where neither has an edge, 0 where only one has.
pub(super) fn f1(drawn: &Grey, target: &Grey) -> f64 {
    let (a, b) = (edges(drawn), edges(target));
    let precision = share_near(&a, &b, drawn.width);
    let recall = share_near(&b, &a, drawn.width);
    match (precision, recall) {
        (None, None) => 1.0,
        (Some(p), Some(r)) if p + r > 0.0 => 2.0 * p * r / (p + r),
        _ => 0.0,
    }
}

fn edges(grey: &Grey) -> Vec<bool> {
    grey.neighbourhoods(|[a, b, c]| {
        let across = (a[2] - a[0]) + 2.0 * (b[2] - b[0]) + (c[2] - c[0]);
        let down = (c[0] - a[0]) + 2.0 * (c[1] - a[1]) + (c[2] - a[2]);
        across.hypot(down) / 4.0 > EDGE
    })
}

/// The share of `edges` with one of `others` within a pixel; `None` without edges.
fn share_near(edges: &[bool], others: &[bool], width: usize) -> Option<f64> {
    let height = edges.len() / width;
    let near = |at: usize| {
        let (x, y) = (at % width, at / width);
        (y.saturating_sub(1)..=(y + 1).min(height - 1))
            .any(|y| others[y * width + x.saturating_sub(1)..=y * width + (x + 1).min(width - 1)].contains(&true))
    };
    let (mut count, mut found) = (0, 0);
    for at in (0..edges.len()).filter(|&at| edges[at]) {
        count += 1;
        found += usize::from(near(at));
    }
    (count > 0).then(|| f64::from(found as u32) / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White, with a black column at `x` where there is one.
    fn line(x: Option<usize>) -> Grey {
        let values = (0..20 * 10).map(|i| if Some(i % 20) == x { 0.0 } else { 1.0 }).collect();
        Grey { width: 20, height: 10, values }
    }

    #[test]
    fn lines_match_within_a_pixel() {
        assert_eq!(f1(&line(Some(8)), &line(Some(8))), 1.0);
        assert_eq!(f1(&line(Some(9)), &line(Some(8))), 1.0);
        assert_eq!(f1(&line(Some(14)), &line(Some(8))), 0.0);
        // Each line has edges at both its sides: of 7 and 9 against 9 and 11, 9 is common,
        // and both lines' outer edges are 2 away.
        assert_eq!(f1(&line(Some(10)), &line(Some(8))), 0.5);
    }

    #[test]
    fn pictures_without_lines_match_each_other_only() {
        assert_eq!(f1(&line(None), &line(None)), 1.0);
        assert_eq!(f1(&line(None), &line(Some(8))), 0.0);
        assert_eq!(f1(&line(Some(8)), &line(None)), 0.0);
    }
}
