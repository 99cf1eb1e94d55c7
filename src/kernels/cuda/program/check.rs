//! Whether a program's calls stay within its buffers.

use super::{Area, Call, End, GROUP, MOST_OUTPUTS, MOST_TERMS, Program, Term, Weight};

impl Program {
    /// Whether every call stays within its buffers, given the weights and the number of all layers' scales and shifts.
    ///
    /// # Errors
    /// What is wrong: of a program from an outline, only that pictures are too large.
    pub fn check(&self, weights: &[Weight], affine: usize) -> Result<(), String> {
        self.fits(&self.photo)?;
        self.fits(&self.last)?;
        // Of how many channels there are moments.
        let mut taken = 0;
        for call in &self.calls {
            match call {
                Call::Convolve(terms, end) => self.check_layer(terms, end, (weights, affine))?,
                Call::Moments(sum) => {
                    self.check_sum(sum)?;
                    taken = sum.channels;
                }
                Call::Finish { sum, normalised, end } => {
                    self.check_sum(sum)?;
                    self.check_end(sum, end, affine)?;
                    // A thread may overwrite what it alone has read, but not what lies elsewhere for others.
                    if end.outputs.iter().any(|(area, _)| area.buffer == sum.buffer && area.around > 0) {
                        return Err(format!("{end:?} overwrites its sums {sum:?}"));
                    }
                    if *normalised && sum.channels != taken {
                        return Err(format!("moments of {taken} channels do not normalise {sum:?}"));
                    }
                }
            }
        }
        let inside = (self.photo.height * self.photo_block, self.photo.width * self.photo_block) == self.size();
        let channels = self.block * self.block * self.channels <= self.last.channels;
        let photo = self.photo_block.pow(2) * self.photo_channels <= self.photo.channels;
        if self.last.around > 0 || !inside || !channels || !photo {
            return Err(format!("the picture does not fit its last values {:?}", self.last));
        }
        if self.add_to_photo && self.channels != self.photo_channels {
            return Err(format!("{} channels cannot be added to {}", self.channels, self.photo_channels));
        }
        if self.colours.is_some_and(|colours| self.channels != 3 || !self.add_to_photo || colours + 12 > affine) {
            return Err(format!("{} channels cannot be recoloured by 12 of {affine} numbers", self.channels));
        }
        Ok(())
    }

    /// Whether an area lies in its buffer and its values can be numbered by a kernel's threads.
    fn fits(&self, area: &Area) -> Result<(), String> {
        let len = area.len(self.batch);
        if len == 0
            || !area.channels.is_multiple_of(GROUP)
            || self.buffers.get(area.buffer).is_none_or(|room| *room < len)
        {
            return Err(format!("{area:?} of {} pictures lies in no buffer", self.batch));
        }
        // Blocks of threads are numbered by 16 bits in the third dimension, which is the picture.
        if len > i32::MAX as usize || self.batch > 65_535 {
            return Err(format!("{area:?} of {} pictures is too large", self.batch));
        }
        Ok(())
    }

    fn check_layer(&self, terms: &[Term], end: &End, (weights, affine): (&[Weight], usize)) -> Result<(), String> {
        let Some((output, _)) = end.outputs.first() else { return Err("a layer writes nothing".into()) };
        self.check_sum(output)?;
        self.check_end(output, end, affine)?;
        if terms.is_empty() || terms.len() > MOST_TERMS {
            return Err(format!("{} terms cannot be summed", terms.len()));
        }
        for term in terms {
            self.check_term(term, output, weights)?;
            // Other blocks read it while the output is written.
            if end.outputs.iter().any(|(area, _)| area.buffer == term.input.buffer) {
                return Err(format!("{end:?} overwrites what it is made of"));
            }
        }
        Ok(())
    }

    fn check_term(&self, term: &Term, output: &Area, weights: &[Weight]) -> Result<(), String> {
        let Term { input, stride, padding, .. } = *term;
        self.fits(&input)?;
        let shape = weights.get(term.weight).map(|weight| weight.shape);
        let (from, to) = (input.sides(), (output.height, output.width));
        let sound = shape.is_some_and(|(outputs, inputs, kernel)| {
            let size = if term.transposed {
                // Each pixel of the output is reached by the windows of pixels that are there.
                (stride == 2 && padding < kernel).then_some((2 * from.0, 2 * from.1))
            } else {
                let windows = |side: usize| Some((side + 2 * padding).checked_sub(kernel)?.checked_div(stride)? + 1);
                windows(from.0).zip(windows(from.1))
            };
            let counted = outputs * inputs * kernel * kernel <= i32::MAX as usize;
            kernel > 0 && counted && (outputs, inputs) == (output.channels, input.channels) && size == Some(to)
        });
        if sound { Ok(()) } else { Err(format!("{term:?} does not fit its weight {shape:?}")) }
    }

    fn check_sum(&self, sum: &Area) -> Result<(), String> {
        self.fits(sum)?;
        if sum.around == 0 { Ok(()) } else { Err(format!("{sum:?} has pixels around")) }
    }

    fn check_end(&self, sum: &Area, end: &End, affine: usize) -> Result<(), String> {
        let alike = |area: &Area| (area.height, area.width, area.channels) == (sum.height, sum.width, sum.channels);
        let outputs = || end.outputs.iter().map(|(area, _)| area);
        outputs().chain(&end.residual).try_for_each(|area| self.fits(area))?;
        let around = end.outputs.first().map_or(0, |(area, _)| area.around);
        let apart = |area: &Area| end.residual.is_none_or(|residual| residual.buffer != area.buffer);
        let once = end.outputs.len() < 2 || end.outputs[0].0.buffer != end.outputs[1].0.buffer;
        let sound = (1..=MOST_OUTPUTS).contains(&end.outputs.len())
            && outputs().all(|area| alike(area) && area.around == around && apart(area))
            && end.residual.as_ref().is_none_or(alike)
            && end.affine.is_none_or(|start| start + 2 * sum.channels <= affine);
        if sound && once { Ok(()) } else { Err(format!("{end:?} does not fit {sum:?}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(buffer: usize, side: usize, around: usize) -> Area {
        Area { buffer, height: side, width: side, channels: 16, around }
    }

    fn program() -> (Program, Vec<Weight>) {
        let term = Term { input: area(0, 6, 1), weight: 0, stride: 1, padding: 0, transposed: false };
        let kept = End { affine: None, residual: None, outputs: vec![(area(1, 6, 0), 1.0)] };
        let end = End { affine: Some(0), residual: Some(area(0, 6, 1)), outputs: vec![(area(1, 6, 0), 1.0)] };
        let program = Program {
            batch: 2,
            photo: area(0, 6, 1),
            photo_block: 1,
            photo_channels: 3,
            calls: vec![
                Call::Convolve(vec![term], kept),
                Call::Moments(area(1, 6, 0)),
                Call::Finish { sum: area(1, 6, 0), normalised: true, end },
            ],
            last: area(1, 6, 0),
            block: 1,
            channels: 3,
            add_to_photo: true,
            colours: Some(20),
            buffers: vec![2 * 64 * 16, 2 * 36 * 16],
        };
        (program, vec![Weight::packed(&[0.0; 81], (3, 3, 3), false)])
    }

    #[test]
    fn a_sound_program_passes_and_no_broken_one() {
        let (sound, weights) = program();
        assert_eq!(sound.check(&weights, 32), Ok(()));
        assert!(sound.check(&weights, 31).is_err(), "scales and shifts are missing");
        assert!(sound.check(&[], 32).is_err(), "the weight is missing");
        let broken: [fn(&mut Program); 19] = [
            |p| p.buffers[0] -= 1,
            |p| p.batch = 3,
            |p| p.channels = 4,
            |p| p.photo_channels = 17,
            |p| p.photo_block = 2,
            |p| p.colours = Some(21),
            |p| p.add_to_photo = false,
            |p| p.last.height = 5,
            |p| p.buffers.truncate(1),
            |p| terms(p)[0].padding = 1,
            |p| terms(p)[0].stride = 0,
            |p| terms(p)[0].transposed = true,
            |p| terms(p).clear(),
            |p| end(p, 0).outputs[0].0.buffer = 0,
            |p| end(p, 0).outputs.clear(),
            |p| end(p, 2).outputs[0].0.buffer = 0,
            |p| end(p, 2).outputs[0].0.around = 1,
            |p| end(p, 2).residual = Some(area(0, 5, 1)),
            |p| drop(p.calls.remove(1)),
        ];
        for (i, change) in broken.into_iter().enumerate() {
            let mut program = sound.clone();
            change(&mut program);
            assert!(program.check(&weights, 32).is_err(), "change {i}");
        }
    }

    /// A transposed convolution doubles the sides, whatever its window.
    #[test]
    fn a_transposed_convolution_doubles() {
        for (kernel, padding, sound) in [(4, 1, true), (3, 1, true), (2, 0, true), (2, 2, false)] {
            let (mut program, _) = program();
            let term = Term { input: area(0, 3, 0), weight: 0, stride: 2, padding, transposed: true };
            let end = End { affine: None, residual: None, outputs: vec![(area(1, 6, 0), 1.0)] };
            program.calls = vec![Call::Convolve(vec![term], end)];
            let weights = [Weight { shape: (16, 16, kernel), values: Vec::new() }];
            assert_eq!(program.check(&weights, 32).is_ok(), sound, "{kernel} {padding}");
        }
    }

    fn terms(program: &mut Program) -> &mut Vec<Term> {
        let Call::Convolve(terms, _) = &mut program.calls[0] else { panic!("no convolution") };
        terms
    }

    fn end(program: &mut Program, call: usize) -> &mut End {
        match &mut program.calls[call] {
            Call::Convolve(_, end) | Call::Finish { end, .. } => end,
            Call::Moments(_) => panic!("call {call} has no end"),
        }
    }
}
