//! From an outline to packed layers: windows, halos, weights, and which buffer each node lies in.

use super::outline::{LayerOutline, Node, Outline, Term, Window};
use super::places::places;
use super::step::{Output, Part, Step};
use super::{Last, Packed, Slot};
use crate::kernels::plan::{Input, Kernel, LANES, Layer, Phase, Source, Tap};
use crate::nn::ops::slice;
use candle_core::{Result, Storage, Tensor, bail};
use std::sync::Mutex;

/// The side of the tiles, in pixels of a phase, in which Winograd's way saves time: the deeper a layer, the fewer pixels
/// it has in a picture of usual size, and the more of its time is that of reading weights, which larger tiles enlarge.
/// `halvings` is how often the outputs are smaller than the picture.
fn winograd_tile(halvings: usize, grid: usize, kernels: &[usize]) -> Option<usize> {
    let of_phase = halvings + grid - 1;
    let deepest = if kernels.iter().all(|kernel| *kernel == 3) { 4 } else { 3 };
    if of_phase <= deepest { Some(4) } else { Some(2).filter(|_| of_phase <= 4) }
}

impl<K: Kernel> Packed<K> {
    pub(super) fn new(outline: &Outline) -> Result<Self> {
        let (slots, places) = slots::<K>(outline)?;
        let steps = outline.layers.iter().map(|layer| step(outline, &places, &slots, layer)).collect::<Result<_>>()?;
        let last = &outline.nodes[outline.last.0];
        let block = 1 << last.halvings;
        if !last.channels.is_multiple_of(block * block) {
            bail!("{} channels are no blocks of {block}×{block} pixels", last.channels);
        }
        let last = Last {
            slot: places[outline.last.0],
            block,
            channels: last.channels / (block * block),
            finish: outline.finish,
        };
        let (channels, halvings) = (outline.nodes[0].channels, outline.halvings());
        let mirrored = outline.nodes[0].mirrored;
        let colours = outline.colours.clone();
        Ok(Self { steps, slots, channels, halvings, mirrored, last, colours, spare: Mutex::new(None) })
    }
}

/// Values of a node's pixel in its buffer.
fn padded<K: Kernel>(outline: &Outline, node: Node) -> usize {
    let channels = outline.nodes[node.0].channels;
    // The photo is read only, so it needs no room for whole vectors.
    channels.next_multiple_of(if node.0 == 0 { K::GROUP } else { LANES })
}

/// The windows of a term for output pixels from `parity` on, in steps of `grid`.
fn window(term: &Term, kernel: usize, grid: usize, parity: usize) -> (isize, usize, usize) {
    match term.window {
        Window::Convolution { stride, padding } => {
            ((parity * stride) as isize - padding as isize, kernel, grid * stride)
        }
        Window::Mirrored { padding } => (parity as isize - padding as isize, kernel, grid),
        // Output o takes input i by the weight's row o + padding − 2i: rows of one parity, from the last to the first.
        Window::Doubling { padding } => {
            let odd = (parity + padding) % 2;
            let count = (kernel - odd).div_ceil(2);
            let highest = odd + 2 * (count - 1);
            ((parity + padding) as isize / 2 - (highest / 2) as isize, count, 1)
        }
    }
}

/// The row (or column) of the weight that belongs to position `i` of a phase's window.
fn weight_row(term: &Term, kernel: usize, parity: usize, i: usize) -> usize {
    match term.window {
        Window::Convolution { .. } | Window::Mirrored { .. } => i,
        Window::Doubling { padding } => {
            let odd = (parity + padding) % 2;
            odd + 2 * ((kernel - odd).div_ceil(2) - 1 - i)
        }
    }
}

/// Output pixels of these terms' sum from one of a phase to the next.
fn grid<'a>(terms: impl IntoIterator<Item = &'a Term>) -> usize {
    if terms.into_iter().any(|term| matches!(term.window, Window::Doubling { .. })) { 2 } else { 1 }
}

fn step<K: Kernel>(outline: &Outline, places: &[usize], slots: &[Slot], layer: &LayerOutline) -> Result<Step<K>> {
    let slot = |node: Node| places[node.0];
    let alone = |term: &Term| -> Result<bool> {
        let kernel = term.weight.dim(2)?;
        let (origin, count, step) = window(term, kernel, 1, 0);
        let input = Input { step, channels: slots[slot(term.node)].channels };
        let tap = Tap { origin: (origin, origin), kernel: (count, count) };
        Ok(!matches!(term.window, Window::Doubling { .. }) && Layer::<K>::better_alone(input, tap))
    };
    let (mut together, mut parts) = (Vec::new(), Vec::new());
    for term in &layer.terms {
        if alone(term)? {
            parts.push(vec![term]);
        } else {
            together.push(term);
        }
    }
    if !together.is_empty() {
        parts.insert(0, together);
    }
    let outputs = layer.affine.scale.len();
    let halvings = layer.outputs.iter().map(|(node, _)| outline.nodes[node.0].halvings).min().unwrap_or_default();
    let part = |terms: Vec<_>| part(outline, places, slots, &terms, (outputs, halvings));
    let parts = parts.into_iter().map(part).collect::<Result<_>>()?;
    Ok(Step {
        parts,
        affine: layer.affine.clone(),
        residual: layer.residual.map(slot),
        dropout: layer.dropout,
        outputs: layer
            .outputs
            .iter()
            .map(|&(node, slope)| Output { slot: slot(node), slope, mirrored: outline.nodes[node.0].mirrored })
            .collect(),
    })
}

/// The sum of `terms` in so many channels, which are so many halvings smaller than the picture.
fn part<K: Kernel>(
    outline: &Outline,
    places: &[usize],
    slots: &[Slot],
    terms: &[&Term],
    (outputs, halvings): (usize, usize),
) -> Result<Part<K>> {
    let grid = grid(terms.iter().copied());
    let (mut inputs, mut held, mut kernels) = (Vec::new(), Vec::new(), Vec::new());
    for term in terms {
        let kernel = term.weight.dim(2)?;
        let (_, _, step) = window(term, kernel, grid, 0);
        inputs.push(Input { step, channels: slots[places[term.node.0]].channels });
        kernels.push(kernel);
        held.push(term.weight.contiguous()?);
    }
    // Read where they lie: a large network's take a tenth of a second to copy.
    let held: Vec<_> = held.iter().map(Tensor::storage_and_layout).collect();
    let weights = held.iter().map(|(storage, layout)| match &**storage {
        Storage::Cpu(values) => slice(values, layout),
        _ => bail!("a plan for the CPU is made of tensors there"),
    });
    let weights: Vec<&[f32]> = weights.collect::<Result<_>>()?;
    // Phases of other windows would be cut into other tasks.
    let alike = grid == 1 || kernels.iter().all(|kernel| kernel.is_multiple_of(2));
    let tile = winograd_tile(halvings, grid, &kernels).filter(|_| alike);
    let phase = |parity: (usize, usize)| {
        let taps = terms.iter().zip(&kernels).map(|(term, &kernel)| {
            let (top, rows, _) = window(term, kernel, grid, parity.0);
            let (left, columns, _) = window(term, kernel, grid, parity.1);
            Tap { origin: (top, left), kernel: (rows, columns) }
        });
        let sources: Vec<_> = terms
            .iter()
            .zip(&kernels)
            .zip(&weights)
            .map(|((term, &kernel), &weights)| {
                let channels = outline.nodes[term.node.0].channels;
                let (output, channel) = match term.window {
                    Window::Convolution { .. } | Window::Mirrored { .. } => (channels, 1),
                    Window::Doubling { .. } => (1, outputs),
                };
                let along = |parity| {
                    (0..window(term, kernel, grid, parity).1).map(move |i| weight_row(term, kernel, parity, i))
                };
                Source {
                    weights,
                    channels,
                    output: output * kernel * kernel,
                    channel: channel * kernel * kernel,
                    rows: along(parity.0).map(|row| row * kernel).collect(),
                    columns: along(parity.1).collect(),
                }
            })
            .collect();
        Phase::new(parity, &inputs, taps.collect(), outputs, &sources, tile)
    };
    let phases = (0..grid * grid).map(|i| phase((i / grid, i % grid))).collect();
    Ok(Part { layer: Layer { inputs, grid, phases }, inputs: terms.iter().map(|term| places[term.node.0]).collect() })
}

/// What nodes must share to lie in one buffer in turn. They share its halo, too, so that what was zero around one is
/// zero around the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Form {
    channels: usize,
    halvings: usize,
    photo: bool,
    mirrored: usize,
}

/// The buffers, and which one each node lies in.
fn slots<K: Kernel>(outline: &Outline) -> Result<(Vec<Slot>, Vec<usize>)> {
    let form = |node: Node| {
        let info = &outline.nodes[node.0];
        Form {
            channels: padded::<K>(outline, node),
            halvings: info.halvings,
            photo: node.0 == 0,
            mirrored: info.mirrored,
        }
    };
    let mut halos = std::collections::HashMap::new();
    for layer in &outline.layers {
        let grid = grid(&layer.terms);
        for term in &layer.terms {
            let kernel = term.weight.dim(2)?;
            let halo = halos.entry(form(term.node)).or_insert(0);
            for parity in 0..grid {
                let (origin, count, step) = window(term, kernel, grid, parity);
                // Before the first pixel, and beyond the last: the last window starts a step before the side's end.
                let beyond = origin + count as isize - step as isize;
                let reach = (-origin).max(beyond).max(0) as usize;
                if reach > 0
                    && outline.nodes[term.node.0].mirrored > 0
                    && !matches!(term.window, Window::Mirrored { .. })
                {
                    bail!("what is around a layer's values cannot be mirrored for one reader and zero for another");
                }
                *halo = (*halo).max(reach);
            }
        }
    }
    let (forms, places) = places(outline, form);
    let slot = |form: Form| Slot {
        channels: form.channels,
        halvings: form.halvings,
        halo: halos.get(&form).copied().unwrap_or(0),
    };
    Ok((forms.into_iter().map(slot).collect(), places))
}
