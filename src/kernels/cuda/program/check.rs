//! Whether a program's calls stay within its buffers.

use super::{Area, Call, Convolution, Finishing, GROUP, MOST_OUTPUTS, MOST_SUMS, Program, Weight};

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
                Call::Convolve(convolution) => self.check_convolution(convolution, weights)?,
                Call::Moments(sums) => taken = self.check_sums(sums)?.channels,
                Call::Finish(finishing) => {
                    self.check_finishing(finishing, affine)?;
                    if finishing.normalised && finishing.sums[0].channels != taken {
                        return Err(format!("moments of {taken} channels do not normalise {finishing:?}"));
                    }
                }
            }
        }
        let inside = (self.photo.height, self.photo.width) == self.size();
        let channels = self.block * self.block * self.channels <= self.last.channels;
        let photo = self.photo_channels <= self.photo.channels;
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

    /// Whether an area lies in its buffer and its values can be numbered by cuDNN and by a kernel's threads.
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

    fn check_convolution(&self, call: &Convolution, weights: &[Weight]) -> Result<(), String> {
        let Convolution { input, output, stride, padding, .. } = *call;
        self.fits(&input)?;
        self.fits(&output)?;
        let shape = weights.get(call.weight).map(|weight| weight.shape);
        // A transposed convolution is the convolution from its output to its input, the other way round.
        let (from, to) = if call.transposed { (output, input) } else { (input, output) };
        let sound = shape.is_some_and(|(a, b, kernel)| {
            let windows = |side: usize| (side + 2 * padding).checked_sub(kernel).map(|room| room / stride.max(1) + 1);
            let (height, width) = from.sides();
            let size = (windows(height), windows(width));
            stride > 0 && (a, b) == (to.channels, from.channels) && size == (Some(to.sides().0), Some(to.sides().1))
        });
        if !sound || output.around > 0 || input.buffer == output.buffer {
            return Err(format!("{call:?} does not fit its weight {shape:?}"));
        }
        Ok(())
    }

    /// The form that all sums have.
    fn check_sums(&self, sums: &[Area]) -> Result<Area, String> {
        sums.iter().try_for_each(|sum| self.fits(sum))?;
        let form = |area: &Area| Area { buffer: 0, ..*area };
        match sums.first() {
            Some(first) if sums.len() <= MOST_SUMS && first.around == 0 => {
                let alike = sums.iter().all(|sum| form(sum) == form(first));
                alike.then_some(*first).ok_or_else(|| format!("{sums:?} are not alike"))
            }
            _ => Err(format!("{} areas cannot be summed", sums.len())),
        }
    }

    fn check_finishing(&self, call: &Finishing, affine: usize) -> Result<(), String> {
        let sum = self.check_sums(&call.sums)?;
        let alike = |area: &Area| (area.height, area.width, area.channels) == (sum.height, sum.width, sum.channels);
        let outputs = || call.outputs.iter().map(|(area, _)| area);
        outputs().chain(&call.residual).try_for_each(|area| self.fits(area))?;
        let around = call.outputs.first().map_or(0, |(area, _)| area.around);
        // A thread may overwrite what it alone has read, so what lies elsewhere for others must not be in that buffer.
        let apart = |area: &Area| {
            let own = call.sums.iter().all(|sum| sum.buffer != area.buffer || around == 0);
            own && call.residual.is_none_or(|residual| residual.buffer != area.buffer)
        };
        let once = call.outputs.len() < 2 || call.outputs[0].0.buffer != call.outputs[1].0.buffer;
        let sound = (1..=MOST_OUTPUTS).contains(&call.outputs.len())
            && outputs().all(|area| alike(area) && area.around == around && apart(area))
            && call.residual.as_ref().is_none_or(alike)
            && call.affine + 2 * sum.channels <= affine;
        if sound && once { Ok(()) } else { Err(format!("{call:?} does not fit itself")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(buffer: usize, side: usize, around: usize) -> Area {
        Area { buffer, height: side, width: side, channels: 8, around }
    }

    fn program() -> (Program, Vec<Weight>) {
        let convolution = Convolution {
            input: area(0, 6, 1),
            output: area(1, 6, 0),
            weight: 0,
            stride: 1,
            padding: 0,
            transposed: false,
        };
        let finishing = Finishing {
            sums: vec![area(1, 6, 0)],
            residual: Some(area(0, 6, 1)),
            normalised: false,
            affine: 0,
            outputs: vec![(area(1, 6, 0), 1.0)],
        };
        let program = Program {
            batch: 2,
            photo: area(0, 6, 1),
            photo_channels: 3,
            calls: vec![Call::Convolve(convolution), Call::Finish(finishing)],
            last: area(1, 6, 0),
            block: 1,
            channels: 3,
            add_to_photo: true,
            colours: Some(4),
            buffers: vec![2 * 64 * 8, 2 * 36 * 8],
        };
        (program, vec![Weight::packed(&[0.0; 81], (3, 3, 3))])
    }

    #[test]
    fn a_sound_program_passes_and_no_broken_one() {
        let (sound, weights) = program();
        assert_eq!(sound.check(&weights, 16), Ok(()));
        assert!(sound.check(&weights, 15).is_err(), "scales and shifts are missing");
        assert!(sound.check(&[], 16).is_err(), "the weight is missing");
        let broken: [fn(&mut Program); 12] = [
            |p| p.buffers[0] -= 1,
            |p| p.batch = 3,
            |p| p.channels = 4,
            |p| p.photo_channels = 9,
            |p| p.colours = Some(5),
            |p| p.add_to_photo = false,
            |p| p.last.height = 5,
            |p| p.buffers.truncate(1),
            |p| edit(p).0.padding = 1,
            |p| edit(p).1.outputs[0].0.buffer = 0,
            |p| edit(p).1.outputs.clear(),
            |p| edit(p).1.normalised = true,
        ];
        for (i, change) in broken.into_iter().enumerate() {
            let mut program = sound.clone();
            change(&mut program);
            assert!(program.check(&weights, 16).is_err(), "change {i}");
        }
    }

    fn edit(program: &mut Program) -> (&mut Convolution, &mut Finishing) {
        match &mut program.calls[..] {
            [Call::Convolve(convolution), Call::Finish(finishing)] => (convolution, finishing),
            calls => panic!("{calls:?}"),
        }
    }
}
