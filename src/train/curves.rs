//! How a run went, as a drawing.

use plotters::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Width and height of one curve's panel.
const PANEL: (u32, u32) = (360, 220);
/// Panels side by side.
const COLUMNS: usize = 3;
const INK: RGBColor = RGBColor(0x2b, 0x5f, 0xa8);

/// Why curves cannot be drawn.
#[derive(Debug, Error)]
pub enum CurveError {
    /// The rows cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row is no JSON object.
    #[error("line {line} of {} is no row of figures: {source}", file.display())]
    Row {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The drawing failed.
    #[error("cannot draw the curves: {0}")]
    Draw(String),
}

/// A figure's values by epoch.
#[derive(Clone, Debug, PartialEq)]
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Draws every figure of the rows in `rows` (`metrics.jsonl`) that is not 0 throughout over the epochs,
/// each in a panel and a scale of its own, as an SVG.
///
/// # Errors
/// When the rows cannot be read or the drawing cannot be made.
pub fn draw(rows: &Path) -> Result<String, CurveError> {
    svg(&read(rows)?)
}

fn read(file: &Path) -> Result<Vec<Curve>, CurveError> {
    let text = std::fs::read_to_string(file).map_err(|source| CurveError::Read { file: file.to_owned(), source })?;
    let mut curves = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: serde_json::Map<String, Value> = serde_json::from_str(line).map_err(|source| CurveError::Row {
            file: file.to_owned(),
            line: i + 1,
            source,
        })?;
        let epoch = row.get("epoch").and_then(Value::as_f64).unwrap_or(i as f64 + 1.0);
        for (name, value) in row.iter().filter(|(name, _)| !["epoch", "step"].contains(&name.as_str())) {
            collect(&mut curves, name, value, epoch);
        }
    }
    // A loss without a weight, a penalty that is not taken.
    curves.retain(|curve| curve.points.iter().any(|(_, value)| *value != 0.0));
    Ok(curves)
}

/// Adds `value`, or the numbers in it, to the curve of its name; what is no
/// number (a figure that was not taken) is left out.
fn collect(curves: &mut Vec<Curve>, name: &str, value: &Value, epoch: f64) {
    if let Value::Object(members) = value {
        for (member, value) in members {
            collect(curves, &format!("{name} {member}"), value, epoch);
        }
    } else if let Some(value) = value.as_f64() {
        match curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => curve.points.push((epoch, value)),
            None => curves.push(Curve { name: name.to_owned(), points: vec![(epoch, value)] }),
        }
    }
}

fn svg(curves: &[Curve]) -> Result<String, CurveError> {
    let rows = curves.len().div_ceil(COLUMNS).max(1);
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * rows as u32);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        for (curve, panel) in curves.iter().zip(area.split_evenly((rows, COLUMNS))) {
            draw_curve(curve, &panel).map_err(failed)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(svg)
}

fn failed(error: impl std::fmt::Display) -> CurveError {
    CurveError::Draw(error.to_string())
}

type Panel<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_curve(curve: &Curve, panel: &Panel<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let Some(&(_, newest)) = curve.points.last() else { return Ok(()) };
    let (x, y) = (range(curve.points.iter().map(|p| p.0)), range(curve.points.iter().map(|p| p.1)));
    let mut chart = ChartBuilder::on(panel)
        .caption(format!("{}: {newest:.4}", curve.name.replace('_', " ")), ("sans-serif", 14))
        .margin(8)
        .x_label_area_size(20)
        .y_label_area_size(52)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .x_labels(6)
        .y_labels(5)
        .y_label_formatter(&|value| format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned())
        .draw()?;
    chart.draw_series(LineSeries::new(curve.points.iter().copied(), INK.stroke_width(2)))?;
    // A lone point makes no line.
    chart.draw_series(curve.points.last().map(|&point| Circle::new(point, 3, INK.filled())))?;
    Ok(())
}

/// From the least to the greatest value, with some room; never empty.
fn range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let room = if high > low { (high - low) * 0.05 } else { (high.abs() * 0.05).max(0.5) };
    low - room..high + room
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(rows: &str) -> Result<String, CurveError> {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("metrics.jsonl");
        std::fs::write(&source, rows).unwrap();
        draw(&source)
    }

    #[test]
    fn every_figure_has_its_curve() {
        let svg = written(
            "{\"epoch\":1,\"step\":10,\"l1\":0.5,\"gan\":0.7,\"penalty\":0.0,\"validation\":null}\n\
             {\"epoch\":2,\"step\":20,\"l1\":0.25,\"gan\":0.7,\"validation\":{\"ssim\":0.8125,\"psnr\":22.5}}\n\
             {\"epoch\":3,\"step\":30,\"l1\":0.125,\"gan\":0.7,\"validation\":{\"ssim\":0.875,\"psnr\":23.5}}\n",
        )
        .unwrap();
        for caption in ["l1: 0.1250", "gan: 0.7000", "validation ssim: 0.8750", "validation psnr: 23.5000"] {
            assert!(svg.contains(caption), "no {caption:?}");
        }
        assert!(!svg.contains("step") && !svg.contains("penalty"));
        // One line a figure; grids are straight lines of their own kind.
        assert_eq!(svg.matches(&format!("stroke=\"{}\"", "#2B5FA8")).count(), 4);
        assert_eq!(svg.matches("<circle").count(), 4);
    }

    #[test]
    fn one_row_or_none_is_enough() {
        assert!(written("{\"epoch\":1,\"l1\":0.5}\n").unwrap().contains("l1: 0.5000"));
        assert!(written("{\"epoch\":1,\"l1\":0.0}\n").unwrap().starts_with("<svg"));
        assert!(written("").unwrap().starts_with("<svg"));
    }

    #[test]
    fn a_broken_row_is_named() {
        let text = written("{\"epoch\":1}\n{\"epo").unwrap_err().to_string();
        assert!(text.contains("line 2") && text.contains("metrics.jsonl"), "{text}");
    }
}
