//! What people look at while a run goes on: sample grids, curves, TensorBoard's
//! events and the report.

use super::rows::{FILE, Row};
use super::{RunError, SETTINGS};
use crate::imaging::{Format, Picture, encode};
use crate::models::publish::replace;
use crate::train::curves;
use crate::train::events::{Events, Summary};
use crate::train::recipe::Recipe;
use crate::train::report::{Report, Story};
use crate::train::samples;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// See the module.
pub(super) struct Window {
    folder: PathBuf,
    events: Events,
    report: Report,
    epochs: usize,
    /// Pairs to train on, and held out.
    pairs: [usize; 2],
}

impl Window {
    /// On the run in `folder`, after `steps` steps.
    pub(super) fn open(folder: &Path, recipe: &Recipe, steps: u64, pairs: [usize; 2]) -> Result<Self, RunError> {
        let events = Events::open(folder, steps)?;
        let report = Report::of(&folder.join(SAMPLES));
        Ok(Self { folder: folder.to_owned(), events, report, epochs: recipe.total_epochs(), pairs })
    }

    /// Shows the newest of `rows`, and the rows photo, drawing, target of `grid`.
    pub(super) fn show(&mut self, rows: &[Row], grid: &[[Picture; 3]]) -> Result<(), RunError> {
        let Some(row) = rows.last() else { return Ok(()) };
        let mut summary = Summary::default();
        if !grid.is_empty() {
            let file = self.folder.join(SAMPLES).join(format!("epoch-{:04}.png", row.epoch));
            let grid = samples::grid(grid);
            let png = encode(&grid, Format::Png, None).map_err(|error| failed(&file, error))?;
            replace(&file, &png)?;
            summary.picture("samples", (grid.width, grid.height), &png);
            self.report.add(row.epoch, &grid).map_err(|error| failed(&file, error))?;
        }
        if let Ok(value) = serde_json::to_value(row) {
            scalars(&mut summary, "", &value);
        }
        self.events.append(row.step, &summary)?;

        let file = self.folder.join("curves.svg");
        let curves = curves::draw(&self.folder.join(FILE)).map_err(|error| failed(&file, error))?;
        replace(&file, curves.as_bytes())?;
        let settings = self.folder.join(SETTINGS);
        let settings =
            std::fs::read_to_string(&settings).map_err(|source| RunError::File { file: settings, source })?;
        let story = Story {
            folder: &self.folder,
            settings: &settings,
            curves: &curves,
            epochs: self.epochs,
            pairs: self.pairs,
        };
        Ok(replace(&self.folder.join("report.html"), self.report.page(&story, rows).as_bytes())?)
    }
}

/// The folder of the sample grids.
const SAMPLES: &str = "samples";

fn failed(file: &Path, error: impl std::fmt::Display) -> RunError {
    RunError::File { file: file.to_owned(), source: std::io::Error::other(error.to_string()) }
}

/// Every number in `value`, named by the way to it.
fn scalars(summary: &mut Summary, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (member, value) in members.iter().filter(|(member, _)| *member != "step") {
                let slash = if name.is_empty() { "" } else { "/" };
                scalars(summary, &format!("{name}{slash}{member}"), value);
            }
        }
        Value::Number(number) => summary.scalar(name, number.as_f64().unwrap_or(f64::NAN)),
        _ => {}
    }
}
