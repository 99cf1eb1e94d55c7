//! A run told on one page that needs nothing beside it: curves, samples over
//! time, settings, data, time left.

use super::run::Row;
use crate::imaging::{EncodeError, Format, Limits, Picture, decode, encode, resize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;

/// Sample grids that the page holds at most; of more, every other one goes.
const FRAMES: usize = 40;
/// Longest side of a grid on the page.
const SIDE: u32 = 1200;

/// What the page is made of, and the sample grids so far.
pub(super) struct Report {
    /// Epochs and JPEGs.
    frames: Vec<(usize, Vec<u8>)>,
}

/// What the page tells besides rows and samples.
pub(super) struct Story<'a> {
    /// The run's folder.
    pub(super) folder: &'a Path,
    /// The settings' file.
    pub(super) settings: &'a str,
    /// The curves as an SVG.
    pub(super) curves: &'a str,
    /// Epochs in all.
    pub(super) epochs: usize,
    /// Pairs to train on, and held out.
    pub(super) pairs: [usize; 2],
}

impl Report {
    /// With the grids that are in `folder` already; one that cannot be read
    /// is missing on the page.
    pub(super) fn of(folder: &Path) -> Self {
        let mut found: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        found.sort();
        let mut report = Self { frames: Vec::new() };
        for file in found {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let epoch = stem.strip_prefix("epoch-").and_then(|number| number.parse().ok());
            let grid = std::fs::read(&file).ok().and_then(|bytes| decode(&bytes, &Limits::default()).ok());
            if let (Some(epoch), Some(grid)) = (epoch, grid) {
                // A grid that was written as a PNG is one that a JPEG holds too.
                let _ = report.add(epoch, &grid.picture);
            }
        }
        report
    }

    /// Adds the grid of an epoch.
    pub(super) fn add(&mut self, epoch: usize, grid: &Picture) -> Result<(), EncodeError> {
        let jpeg = encode(&resize::fit(grid, SIDE), Format::Jpeg, Some(85))?;
        self.frames.retain(|(earlier, _)| *earlier < epoch);
        if self.frames.len() >= FRAMES {
            let mut keep = [false, true].iter().cycle();
            self.frames.retain(|_| *keep.next().unwrap_or(&true));
        }
        self.frames.push((epoch, jpeg));
        Ok(())
    }

    /// The page.
    pub(super) fn page(&self, story: &Story<'_>, rows: &[Row]) -> String {
        let frames: Vec<_> = self.frames.iter().map(|(epoch, jpeg)| (epoch, STANDARD.encode(jpeg))).collect();
        let frames = serde_json::to_string(&frames).unwrap_or_else(|_| "[]".to_owned());
        let done = rows.last().map_or(0, |row| row.epoch);
        let parts = [
            ("{{name}}", escaped(&story.folder.file_name().unwrap_or_default().to_string_lossy())),
            ("{{progress}}", format!("{done} of {} epochs, {}", story.epochs, time_left(rows, story.epochs))),
            (
                "{{data}}",
                format!(
                    "{} pairs to train on, {} of those held out looked at after each epoch",
                    story.pairs[0], story.pairs[1]
                ),
            ),
            ("{{newest}}", newest(rows)),
            ("{{settings}}", escaped(story.settings)),
            ("{{curves}}", story.curves.to_owned()),
            ("{{frames}}", frames),
        ];
        // One pass: what is put in may hold braces itself.
        let mut page = String::new();
        let mut rest = include_str!("report/page.html");
        while let Some((before, after)) = rest.split_once("{{") {
            page += before;
            let (name, after) = after.split_once("}}").unwrap_or((after, ""));
            let part = parts.iter().find(|(part, _)| part.trim_matches(['{', '}']) == name);
            page += part.map_or("", |(_, text)| text);
            rest = after;
        }
        page + rest
    }
}

/// How long the rest takes, by the last epochs' pace.
fn time_left(rows: &[Row], epochs: usize) -> String {
    let last: Vec<f64> = rows.iter().rev().take(5).map(|row| row.seconds).collect();
    let left = epochs.saturating_sub(rows.last().map_or(0, |row| row.epoch));
    if left == 0 {
        return "finished".to_owned();
    }
    let seconds = left as f64 * last.iter().sum::<f64>() / last.len().max(1) as f64;
    let minutes = (seconds / 60.0).ceil() as u64;
    format!("about {} h {} min left", minutes / 60, minutes % 60)
}

/// The newest row's figures as the rows of a table.
fn newest(rows: &[Row]) -> String {
    let Some(row) = rows.last() else { return String::new() };
    let mut text = String::new();
    let mut line = |name: &str, value: String| text += &format!("<tr><th>{name}</th><td>{value}</td></tr>");
    line("steps", row.step.to_string());
    line("share of the learning rate", format!("{:.4}", row.rate_share));
    line("returns to a checkpoint", row.rollbacks.to_string());
    line("pairs a second", format!("{:.2}", row.pairs_per_second));
    line("time waited for data", format!("{:.1} %", 100.0 * row.waited));
    line("training L1", format!("{:.4}", row.losses.l1));
    for (name, value) in row.validation.iter().flat_map(|figures| figures.named()) {
        line(&format!("held out: {}", name.replace('_', " ")), format!("{value:.4}"));
    }
    if let Some(distance) = row.random_network_frechet {
        line("held out: Fréchet distance of a random network's features", format!("{distance:.4}"));
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn grid(value: u8) -> Picture {
        Picture { width: 8, height: 4, rgb: vec![value; 96], alpha: None }
    }

    #[test]
    fn the_page_holds_all_of_it_and_asks_for_nothing() {
        let mut report = Report { frames: Vec::new() };
        for epoch in 1..=100 {
            report.add(epoch, &grid(epoch as u8)).unwrap();
        }
        let epochs: Vec<_> = report.frames.iter().map(|(epoch, _)| *epoch).collect();
        assert!((FRAMES / 2..=FRAMES).contains(&epochs.len()) && epochs.last() == Some(&100), "{epochs:?}");
        assert!(epochs.is_sorted());

        let story = Story {
            folder: Path::new("runs/a<b"),
            settings: "title = \"{{frames}} </script>\"",
            curves: "<svg></svg>",
            epochs: 9,
            pairs: [7, 3],
        };
        let page = report.page(&story, &[]);
        assert!(page.contains("a&lt;b") && page.contains("{{frames}} &lt;/script&gt;") && page.contains("7 pairs"));
        assert!(
            !page.contains("http://") && !page.contains("https://") && !page.contains("src=\"/"),
            "it stands alone"
        );
        assert!(page.contains("0 of 9 epochs"));
    }
}
