//! The checkerboard that strided and transposed convolutions like to leave.

use super::grey::Grey;

/// Mean power on the row and the column of the highest frequency of `grey`'s
/// spectrum over the spectrum's mean power. The last row or column of an odd
/// side is left out; a side of 1 has no such frequency, and the index is 0.
///
/// By Parseval's theorem this takes no transform: along the row of the highest
/// vertical frequency the spectrum is that of the columns' alternating sums,
/// `|F|²` summed over it is `W` times the sum of their squares, and the mean of
/// all `|F|²` is the sum of all `g²`.
pub(super) fn checkerboard(grey: &Grey) -> f64 {
    let (width, height) = (grey.width / 2 * 2, grey.height / 2 * 2);
    let mut columns = vec![0.0; width];
    let (mut of_rows, mut total) = (0.0, 0.0);
    for (y, row) in grey.rows().take(height).enumerate() {
        let mut alternating = 0.0;
        for (x, (&value, column)) in row.iter().zip(&mut columns).enumerate() {
            alternating += sign(x) * value;
            *column += sign(y) * value;
            total += value * value;
        }
        of_rows += alternating * alternating;
    }
    if total == 0.0 {
        return 0.0;
    }
    let of_columns: f64 = columns.iter().map(|sum| sum * sum).sum();
    let (width, height) = (width as f64, height as f64);
    (width * of_columns + height * of_rows) / (width + height) / total
}

fn sign(i: usize) -> f64 {
    if i.is_multiple_of(2) { 1.0 } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternating_rows_and_columns_stand_out() {
        let of = |amplitude: fn(usize, usize) -> f64| {
            let values = (0..32 * 24).map(|i| 0.5 + 0.1 * amplitude(i % 32, i / 32)).collect();
            checkerboard(&Grey { width: 32, height: 24, values })
        };
        let smooth = of(|x, y| (x as f64 / 5.0).sin() * (y as f64 / 4.0).cos());
        assert!(smooth < 0.01, "{smooth}");
        for artefact in [of(|x, _| sign(x)), of(|_, y| sign(y)), of(|x, y| sign(x) * sign(y))] {
            assert!(artefact > 100.0 * smooth && artefact > 0.1, "{artefact} beside {smooth}");
        }
        // By hand: all power at (0, W/2) and at 0. Nyquist: (768 · 0.1)² over 56 places; mean: 768 · (0.25 + 0.01).
        let wanted = 76.8 * 76.8 / 56.0 / (768.0 * 0.26);
        assert!((of(|x, _| sign(x)) - wanted).abs() < 1e-9);
    }
}
