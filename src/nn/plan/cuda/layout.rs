//! From an outline to the calls of a forward pass on CUDA: what is convolved how, where it lies, and how it ends.
//!
//! A layer is one call, but where a norm over the picture comes between its sums and its end, or pixels are mirrored
//! around its values, or more read them than a call writes: then its sums are kept, and calls of their own end it. Zeros
//! around a layer's input are the kernel's; mirrored pixels lie in the input's own memory, where its layer has written
//! them.
//!
//! A photo that is only halved lies in blocks of 2×2 pixels, whose numbers are channels: three alone would leave most of
//! what a tensor core multiplies at once empty, and windows of stride 2 have four times as many pixels to look at.

use super::super::Finish;
use super::super::outline::{Affine, LayerOutline, Node, NodeInfo, Outline, Window};
use super::super::places::places;
use crate::kernels::cuda::program::{Area, Call, End, GROUP, MOST_OUTPUTS, MOST_TERMS, Program, Term, Weight};
use candle_core::{Result, bail};

/// An outline without its tensors: what is the same for pictures of all sizes.
pub(super) struct Layout {
    nodes: Vec<Place>,
    /// Memory that nodes use in turn.
    places: usize,
    steps: Vec<Step>,
    affines: Vec<Affine>,
    last: Node,
    block: usize,
    /// The picture's channels.
    pub picture: usize,
    add_to_photo: bool,
    /// Where the twelve numbers begin that recolour the photo, among all layers' scales and shifts.
    colours: Option<usize>,
    /// The photo's channels.
    channels: usize,
    /// The side of the blocks of pixels that its memory holds.
    photo_block: usize,
    /// Sides are multiples of this power of two.
    halvings: usize,
    /// Whether a seeded drawing sets values to zero.
    drops_out: bool,
}

/// Where a node's values lie, and in which form.
#[derive(Clone, Copy)]
struct Place {
    number: usize,
    form: Form,
}

/// What nodes must share to lie in one place in turn.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    /// With those that fill the last group.
    channels: usize,
    halvings: usize,
    mirrored: usize,
}

/// Stride, padding and whether it is transposed, see [`Term`].
type Motion = (usize, usize, bool);

/// A layer.
struct Step {
    /// The inputs with the numbers of their weights, and how their windows move.
    terms: Vec<(Node, usize, Motion)>,
    /// Where its scales and then its shifts begin.
    affine: usize,
    normalised: bool,
    residual: Option<Node>,
    outputs: Vec<(Node, f32)>,
}

impl Layout {
    /// The layout of `outline` and the weights in its order.
    ///
    /// # Errors
    /// When the outline's tensors are not f32 on the CPU, or it has a form that no network of ours has.
    pub fn new(outline: &Outline) -> Result<(Self, Vec<Weight>)> {
        let photo_block = photo_block(outline);
        let form = |node: Node| {
            let NodeInfo { channels, halvings, mirrored } = outline.nodes[node.0];
            let block = if node == Node(0) { photo_block } else { 1 };
            let channels = (block * block * channels).next_multiple_of(GROUP);
            Form { channels, halvings: halvings + block / 2, mirrored }
        };
        let (forms, numbers) = places(outline, form);
        let nodes = numbers.iter().enumerate().map(|(node, &number)| Place { number, form: form(Node(node)) });
        let last = &outline.nodes[outline.last.0];
        let mut layout = Self {
            nodes: nodes.collect(),
            places: forms.len(),
            steps: Vec::new(),
            affines: Vec::new(),
            last: outline.last,
            block: 1 << last.halvings,
            picture: last.channels >> (2 * last.halvings),
            add_to_photo: outline.finish == Finish::AddToPhoto,
            colours: None,
            channels: outline.nodes[0].channels,
            photo_block,
            halvings: outline.halvings(),
            drops_out: outline.layers.iter().any(|layer| layer.dropout > 0.0),
        };
        if !last.channels.is_multiple_of(layout.block.pow(2)) {
            bail!("{} channels are no blocks of {1}×{1} pixels", last.channels, layout.block);
        }
        let mut weights = Vec::new();
        let mut affine = 0;
        for layer in &outline.layers {
            layout.steps.push(layout.step(layer, affine, &mut weights)?);
            layout.affines.push(layer.affine.clone());
            affine += 2 * layer.affine.channels().next_multiple_of(GROUP);
        }
        if let Some(colours) = &outline.colours {
            // Behind the last layer's, and its shifts behind its scales.
            layout.colours = Some(affine + colours.channels().next_multiple_of(GROUP));
            layout.affines.push(colours.clone());
        }
        Ok((layout, weights))
    }

    fn step(&self, layer: &LayerOutline, affine: usize, weights: &mut Vec<Weight>) -> Result<Step> {
        if layer.terms.len() > MOST_TERMS {
            bail!("a layer sums {} terms, and at most {MOST_TERMS} are possible", layer.terms.len());
        }
        let mut terms = Vec::new();
        for term in &layer.terms {
            let around = self.nodes[term.node.0].form.mirrored;
            let sees = if let Window::Mirrored { padding } = term.window { padding } else { 0 };
            if sees != around {
                bail!("a window that mirrors {sees} pixels reads a layer with {around} mirrored ones around");
            }
            let (mut a, mut b, mut kernel, _) = term.weight.dims4()?;
            let mut values = term.weight.flatten_all()?.to_vec1::<f32>()?;
            let mut motion = match term.window {
                Window::Convolution { stride, padding } => (stride, padding, false),
                Window::Mirrored { .. } => (1, 0, false),
                Window::Doubling { padding } => (2, padding, true),
            };
            if term.node == Node(0) && self.photo_block == 2 {
                let padding = motion.1.div_ceil(2);
                values = over_blocks(&values, b, (kernel, motion.1));
                (b, kernel, motion) = (4 * b, 2 * padding + 1, (1, padding, false));
                a = values.len() / (b * kernel * kernel);
            }
            terms.push((term.node, weights.len(), motion));
            weights.push(Weight::packed(&values, (a, b, kernel), motion.2));
        }
        let (residual, outputs) = (layer.residual, layer.outputs.clone());
        Ok(Step { terms, affine, normalised: layer.affine.normalised, residual, outputs })
    }

    /// All layers' scales and shifts for a style, in f32; zero for the channels that fill a group.
    pub fn affine(&self, style: &[f32]) -> Vec<f32> {
        let mut all = Vec::new();
        for affine in &self.affines {
            let (scale, shift) = affine.at(style);
            for values in [scale, shift] {
                all.extend(values);
                all.resize(all.len().next_multiple_of(GROUP), 0.0);
            }
        }
        all
    }

    /// Whether it draws photos `(channels, height, width)` in a style of so many entries, with a seed or not.
    ///
    /// # Errors
    /// When it does not: says what it draws.
    pub fn fits(&self, (channels, height, width): (usize, usize, usize), styles: usize, seeded: bool) -> Result<()> {
        // Masks are drawn on the CPU in the order of `(N, C, H, W)`: the layers on candle do it, and seeds are rare.
        if seeded && self.drops_out {
            bail!("the plan on CUDA draws no dropout");
        }
        let (multiple, own) = (1 << self.halvings, self.channels);
        let sides = [height, width].iter().all(|side| *side > 0 && side.is_multiple_of(multiple));
        if channels != own || !sides {
            bail!(
                "this generator takes {own} channels and sides that are multiples of {multiple}, not {channels} and {width}×{height}"
            );
        }
        if let Some(own) = self.affines.iter().map(Affine::styles).find(|own| ![0, styles].contains(own)) {
            bail!("this generator draws {own} styles, not {styles}");
        }
        Ok(())
    }

    /// The calls that draw photos of a size, whose sides are sound.
    pub fn program(&self, (batch, height, width): (usize, usize, usize)) -> Program {
        let area = |node: Node| {
            let Place { number, form: Form { channels, halvings, mirrored } } = self.nodes[node.0];
            Area { buffer: number, height: height >> halvings, width: width >> halvings, channels, around: mirrored }
        };
        let mut buffers = vec![0; self.places];
        for node in 0..self.nodes.len() {
            let area = area(Node(node));
            buffers[area.buffer] = buffers[area.buffer].max(area.len(batch));
        }
        let mut calls = Vec::new();
        for step in &self.steps {
            let scratch = step.sum(&area, self.places);
            if scratch.buffer == self.places {
                buffers.resize(self.places + 1, 0);
                buffers[self.places] = buffers[self.places].max(scratch.len(batch));
            }
            calls.extend(step.calls(&area, scratch));
        }
        let last = area(self.last);
        Program {
            batch,
            photo: area(Node(0)),
            photo_block: self.photo_block,
            photo_channels: self.channels,
            calls,
            last,
            block: self.block,
            channels: self.picture,
            add_to_photo: self.add_to_photo,
            colours: self.colours,
            buffers,
        }
    }
}

impl Step {
    /// Whether one call does all of it.
    fn is_one(&self, area: &dyn Fn(Node) -> Area) -> bool {
        !self.normalised && self.writes_in_place(area)
    }

    /// Whether one kernel ends it, with nothing around.
    fn writes_in_place(&self, area: &dyn Fn(Node) -> Area) -> bool {
        self.outputs.len() <= MOST_OUTPUTS && self.outputs.iter().all(|(node, _)| area(*node).around == 0)
    }

    /// Where its sums are kept: where its first output will lie, or else in the buffer `scratch`, which all layers use.
    fn sum(&self, area: &dyn Fn(Node) -> Area, scratch: usize) -> Area {
        let first = area(self.outputs[0].0);
        if self.writes_in_place(area) { first } else { Area { buffer: scratch, around: 0, ..first } }
    }

    fn calls(&self, area: &dyn Fn(Node) -> Area, sum: Area) -> Vec<Call> {
        let term = |&(node, weight, (stride, padding, transposed)): &(Node, usize, Motion)| Term {
            input: area(node),
            weight,
            stride,
            padding,
            transposed,
        };
        let terms = self.terms.iter().map(term).collect();
        let end = |outputs: &[(Area, f32)]| End {
            affine: Some(self.affine),
            residual: self.residual.map(area),
            outputs: outputs.to_vec(),
        };
        let outputs: Vec<_> = self.outputs.iter().map(|(node, slope)| (area(*node), *slope)).collect();
        if self.is_one(area) {
            return vec![Call::Convolve(terms, end(&outputs))];
        }
        let mut calls = vec![Call::Convolve(terms, End { affine: None, residual: None, outputs: vec![(sum, 1.0)] })];
        if self.normalised {
            calls.push(Call::Moments(sum));
        }
        // A kernel writes outputs that have as much around.
        for outputs in
            outputs.chunk_by(|(a, _), (b, _)| a.around == b.around).flat_map(|like| like.chunks(MOST_OUTPUTS))
        {
            calls.push(Call::Finish { sum, normalised: self.normalised, end: end(outputs) });
        }
        calls
    }
}

/// The side of the blocks of pixels that the photo's memory holds: 2 where all that read it halve it.
fn photo_block(outline: &Outline) -> usize {
    let photo = Node(0);
    let terms = || outline.layers.iter().flat_map(|layer| &layer.terms).filter(|term| term.node == photo);
    let halved = terms().all(|term| match term.window {
        // The window ends in the last block that `over_blocks` has.
        Window::Convolution { stride: 2, padding } => term.weight.dims()[2] <= 2 * padding.div_ceil(2) + padding + 2,
        _ => false,
    });
    let added = outline.layers.iter().any(|layer| layer.residual == Some(photo));
    if halved && terms().next().is_some() && !added && outline.last != photo { 2 } else { 1 }
}

/// The weight `(A, 4·B, K', K')` of stride 1 that sees of blocks of 2×2 pixels what `values` `(A, B, K, K)` of stride 2
/// sees of their pixels. With `padding` p around the pixels, ⌈p/2⌉ are around the blocks, and K' is 2·⌈p/2⌉ + 1.
fn over_blocks(values: &[f32], channels: usize, (kernel, padding): (usize, usize)) -> Vec<f32> {
    let around = padding.div_ceil(2);
    let side = 2 * around + 1;
    // Which block a row of the window is in, counted from the first around, and which row of the block it is.
    let row = |k: usize| ((k + 2 * around - padding) / 2, (k + 2 * around - padding) % 2);
    let mut blocks = vec![0.0; values.len() / (kernel * kernel) * 4 * side * side];
    for (i, value) in values.iter().enumerate() {
        let ((y, dy), (x, dx)) = (row(i / kernel % kernel), row(i % kernel));
        let (output, channel) = (i / (kernel * kernel) / channels, i / (kernel * kernel) % channels);
        blocks[(((output * channels + channel) * 4 + 2 * dy + dx) * side + y) * side + x] = *value;
    }
    blocks
}
