//! What each layer must draw for a part of the picture: less around it from layer to layer, up to the part itself.

use super::Packed;
use super::step::Step;
use crate::kernels::plan::{Area, Kernel};

impl<K: Kernel> Packed<K> {
    /// What each step draws of a picture of `height` × `width` of which `wanted` is asked for: all of it, where any
    /// layer looks at the whole picture or at its mirrored border.
    pub(super) fn areas(&self, (height, width): (usize, usize), wanted: &Area) -> Vec<Area> {
        let sides = |slot: usize| (height >> self.slots[slot].halvings, width >> self.slots[slot].halvings);
        let is_local = |step: &Step<K>| !step.affine.normalised && step.outputs.iter().all(|o| o.mirrored == 0);
        let local = self.mirrored == 0 && self.steps.iter().all(is_local);
        let mut needed = vec![None; self.slots.len()];
        let need = |needed: &mut Option<Area>, more: Area| {
            *needed = Some(needed.as_ref().map_or(more.clone(), |area| area.with(&more)));
        };
        need(&mut needed[self.last.slot], wanted.reduced(self.last.block));
        // From the last one on: what a step writes is asked for by those behind it.
        let areas = self.steps.iter().rev().map(|step| {
            let whole = |slot: usize| Area::whole(sides(slot).0, sides(slot).1);
            let outputs = step.outputs.iter().map(|output| match needed[output.slot].take() {
                Some(area) if local => area,
                _ => whole(output.slot),
            });
            // All phases' pixels, as all parts add to each other's.
            let grid = step.parts.iter().map(|part| part.layer.grid).max().unwrap_or(1);
            let area = outputs.reduce(|a, b| a.with(&b)).unwrap_or(Area::whole(0, 0)).reduced(grid).enlarged(grid);
            if let Some(slot) = step.residual {
                need(&mut needed[slot], area.clone());
            }
            for part in &step.parts {
                for (input, &slot) in part.inputs.iter().enumerate() {
                    let area = area.reduced(part.layer.grid);
                    need(&mut needed[slot], part.layer.seen(input, &area, sides(slot)));
                }
            }
            area
        });
        let mut areas: Vec<_> = areas.collect();
        areas.reverse();
        areas
    }
}
