//! From an outline to the calls of a forward pass on CUDA: what is convolved how, where it lies, and how it ends.
//!
//! Zeros around a layer's input are cuDNN's padding; mirrored pixels lie in the input's own memory, where its layer has
//! written them. Each term has sums of its own, which are added in f32 when the layer ends: cuDNN would round what it
//! adds to. The first term's lie where the layer's output will.

use super::super::Finish;
use super::super::outline::{Affine, LayerOutline, Node, NodeInfo, Outline, Window};
use super::super::places::places;
use crate::kernels::cuda::program::{
    Area, Call, Convolution, Finishing, GROUP, MOST_OUTPUTS, MOST_SUMS, Program, Weight,
};
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

/// A layer.
struct Step {
    /// The inputs with the numbers of their weights.
    terms: Vec<(Node, usize, Window)>,
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
        let form = |info: &NodeInfo| Form {
            channels: info.channels.next_multiple_of(GROUP),
            halvings: info.halvings,
            mirrored: info.mirrored,
        };
        let (forms, numbers) = places(outline, |node| form(&outline.nodes[node.0]));
        let nodes = numbers.iter().zip(&outline.nodes).map(|(&number, info)| Place { number, form: form(info) });
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
        if layer.terms.len() > MOST_SUMS {
            bail!("a layer sums {} terms, and at most {MOST_SUMS} are possible", layer.terms.len());
        }
        let mut terms = Vec::new();
        for term in &layer.terms {
            let around = self.nodes[term.node.0].form.mirrored;
            let sees = if let Window::Mirrored { padding } = term.window { padding } else { 0 };
            if sees != around {
                bail!("a window that mirrors {sees} pixels reads a layer with {around} mirrored ones around");
            }
            let (a, b, kernel, _) = term.weight.dims4()?;
            terms.push((term.node, weights.len(), term.window));
            weights.push(Weight::packed(&term.weight.flatten_all()?.to_vec1::<f32>()?, (a, b, kernel)));
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
            let sums = step.sums(&area, self.places);
            for sum in &sums {
                buffers.resize(buffers.len().max(sum.buffer + 1), 0);
                buffers[sum.buffer] = buffers[sum.buffer].max(sum.len(batch));
            }
            calls.extend(step.calls(&area, sums));
        }
        let last = area(self.last);
        Program {
            batch,
            photo: area(Node(0)),
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
    /// Where each term's sums lie: the first one's where the output will, if one kernel ends the layer and nothing is
    /// around it; else in buffers from `scratch` on, which all layers use.
    fn sums(&self, area: &dyn Fn(Node) -> Area, scratch: usize) -> Vec<Area> {
        let outputs: Vec<Area> = self.outputs.iter().map(|(node, _)| area(*node)).collect();
        let in_place = outputs.len() <= MOST_OUTPUTS && outputs.iter().all(|output| output.around == 0);
        let place = |term: usize| match term {
            0 if in_place => outputs[0],
            _ => Area { buffer: scratch + term, around: 0, ..outputs[0] },
        };
        (0..self.terms.len()).map(place).collect()
    }

    fn calls(&self, area: &dyn Fn(Node) -> Area, sums: Vec<Area>) -> Vec<Call> {
        let mut calls = Vec::new();
        for (&(node, weight, window), &output) in self.terms.iter().zip(&sums) {
            let (stride, padding, transposed) = match window {
                Window::Convolution { stride, padding } => (stride, padding, false),
                Window::Mirrored { .. } => (1, 0, false),
                Window::Doubling { padding } => (2, padding, true),
            };
            let input = area(node);
            calls.push(Call::Convolve(Convolution { input, output, weight, stride, padding, transposed }));
        }
        if self.normalised {
            calls.push(Call::Moments(sums.clone()));
        }
        // A kernel writes outputs that have as much around.
        let outputs: Vec<_> = self.outputs.iter().map(|(node, slope)| (area(*node), *slope)).collect();
        for outputs in
            outputs.chunk_by(|(a, _), (b, _)| a.around == b.around).flat_map(|like| like.chunks(MOST_OUTPUTS))
        {
            calls.push(Call::Finish(Finishing {
                sums: sums.clone(),
                residual: self.residual.map(area),
                normalised: self.normalised,
                affine: self.affine,
                outputs: outputs.to_vec(),
            }));
        }
        calls
    }
}
