//! A generator's layers as the plan sees them: what is summed, and what becomes of the sums.

use candle_core::{DType, Result, Tensor, bail};

/// The activations that a layer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(pub(super) usize);

/// How a term's window moves.
#[derive(Clone, Copy, Debug)]
pub enum Window {
    /// A convolution of weight `(Cout, Cin, K, K)`.
    Convolution {
        /// Pixels from one window to the next: 1 or 2.
        stride: usize,
        /// Zeros around the input.
        padding: usize,
    },
    /// A convolution of weight `(Cout, Cin, K, K)` and stride 1, with `padding` pixels around the input mirrored.
    Mirrored {
        /// So many pixels, which are those that keep the size.
        padding: usize,
    },
    /// A transposed convolution of stride 2 and weight `(Cin, Cout, K, K)`, twice the size.
    Doubling {
        /// Rows and columns cut from each side of the output.
        padding: usize,
    },
}

/// One convolution among those that a layer sums.
pub struct Term {
    /// What it reads.
    pub node: Node,
    /// f32, as [`Window`] says.
    pub weight: Tensor,
    /// How its window moves.
    pub window: Window,
}

/// Rows of numbers.
type Matrix = Vec<Vec<f32>>;

/// What each channel's sum is multiplied by, and what is added then.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    /// What a style adds to the scale and to the shift: `(C, k)` each.
    styled: Option<(Matrix, Matrix)>,
    /// Whether the sums are brought to zero mean and unit variance over each picture before.
    pub(super) normalised: bool,
}

impl Affine {
    /// Adds `bias` `(C)`, or nothing, to `channels` channels.
    ///
    /// # Errors
    /// When the bias is no vector of f32.
    pub fn bias(channels: usize, bias: Option<&Tensor>) -> Result<Self> {
        let shift = bias.map_or(Ok(vec![0.0; channels]), Tensor::to_vec1)?;
        Ok(Self { scale: vec![1.0; channels], shift, styled: None, normalised: false })
    }

    /// Brings `channels` channels to zero mean and unit variance over each picture.
    pub fn normalised(channels: usize) -> Self {
        Self { scale: vec![1.0; channels], shift: vec![0.0; channels], styled: None, normalised: true }
    }

    /// Each channel's numbers for `times` channels in its place.
    pub fn repeated(self, times: usize) -> Self {
        let repeat = |values: &[f32]| values.iter().flat_map(|value| std::iter::repeat_n(*value, times)).collect();
        Self { scale: repeat(&self.scale), shift: repeat(&self.shift), ..self }
    }

    /// This, then for a style `v` of `k` entries a scale of `1 + scale·v` and a shift of `shift·v`, both `(C, k)`.
    ///
    /// # Errors
    /// When they are no matrices of f32.
    pub fn styled(self, scale: &Tensor, shift: &Tensor) -> Result<Self> {
        Ok(Self { styled: Some((scale.to_vec2()?, shift.to_vec2()?)), ..self })
    }

    /// Channels that it is for.
    pub(super) fn channels(&self) -> usize {
        self.scale.len()
    }

    /// Entries of the style that it asks for.
    pub(super) fn styles(&self) -> usize {
        self.styled.as_ref().and_then(|(scale, _)| scale.first()).map_or(0, Vec::len)
    }

    /// Each channel's scale and shift for a style.
    pub(super) fn at(&self, style: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let Some((scale, shift)) = &self.styled else { return (self.scale.clone(), self.shift.clone()) };
        let along = |row: &[f32]| row.iter().zip(style).map(|(weight, entry)| weight * entry).sum::<f32>();
        let own = self.scale.iter().zip(&self.shift);
        own.zip(scale.iter().zip(shift))
            .map(|((own_scale, own_shift), (scale, shift))| {
                let by = 1.0 + along(scale);
                (own_scale * by, own_shift * by + along(shift))
            })
            .unzip()
    }

    /// This, then another.
    pub fn then(mut self, scale: &[f32], shift: &[f32]) -> Self {
        for ((own_scale, own_shift), (scale, shift)) in
            self.scale.iter_mut().zip(&mut self.shift).zip(scale.iter().zip(shift))
        {
            *own_scale *= scale;
            *own_shift = *own_shift * scale + shift;
        }
        self
    }
}

/// What becomes of the last layer's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Their hyperbolic tangent.
    Tanh,
    /// They are added to the photo, which may be [recoloured](Outline::recoloured), the sum clamped to −1..1.
    AddToPhoto,
}

pub(super) struct NodeInfo {
    pub channels: usize,
    /// Its side is the photo's, halved so many times.
    pub halvings: usize,
    /// Pixels around it that those who read it find mirrored; without, they find zeros.
    pub mirrored: usize,
}

pub(super) struct LayerOutline {
    pub terms: Vec<Term>,
    pub affine: Affine,
    pub residual: Option<Node>,
    /// Share of the values that a seeded drawing sets to zero, 0..1.
    pub dropout: f32,
    /// Each with the slope of its rectifier.
    pub outputs: Vec<(Node, f32)>,
}

/// A whole generator.
pub struct Outline {
    pub(super) nodes: Vec<NodeInfo>,
    pub(super) layers: Vec<LayerOutline>,
    /// What is shuffled to the picture: `block² · channels` channels become blocks of `block` × `block` pixels.
    pub(super) last: Node,
    pub(super) finish: Finish,
    /// Twelve shifts: the colours of the photo that values are added to, as [`Self::recoloured`] says.
    pub(super) colours: Option<Affine>,
}

impl Outline {
    /// A generator of photos of `channels` channels, and the photo.
    pub fn new(channels: usize) -> (Self, Node) {
        let photo = Node(0);
        let nodes = vec![NodeInfo { channels, halvings: 0, mirrored: 0 }];
        (Self { nodes, layers: Vec::new(), last: photo, finish: Finish::Tanh, colours: None }, photo)
    }

    /// A layer: the sum of `terms`, scaled and shifted, with `residual` added; negative values times `slope` (1 for no
    /// rectifier).
    ///
    /// # Errors
    /// When the terms' channels or sizes do not fit each other.
    pub fn layer(&mut self, terms: Vec<Term>, affine: Affine, residual: Option<Node>, slope: f32) -> Result<Node> {
        let first = Node(self.nodes.len());
        self.rectified(terms, affine, residual, &[slope])?;
        Ok(first)
    }

    /// A layer whose sums are kept once for each slope.
    ///
    /// # Errors
    /// As for [`Self::layer`].
    pub fn rectified(
        &mut self,
        terms: Vec<Term>,
        affine: Affine,
        residual: Option<Node>,
        slopes: &[f32],
    ) -> Result<Vec<Node>> {
        let mut shape = None;
        for term in &terms {
            let input = &self.nodes[term.node.0];
            let (a, b, kernel, width) = term.weight.dims4()?;
            let (inputs, outputs, halvings) = match term.window {
                Window::Convolution { stride: 1, .. } => (b, a, Some(input.halvings)),
                Window::Convolution { stride: 2, .. } => (b, a, Some(input.halvings + 1)),
                Window::Convolution { stride, .. } => bail!("a plan has strides 1 and 2, not {stride}"),
                Window::Mirrored { padding } if 2 * padding + 1 == kernel => (b, a, Some(input.halvings)),
                Window::Mirrored { padding } => bail!("{padding} mirrored pixels do not keep a picture's size"),
                Window::Doubling { .. } => (a, b, input.halvings.checked_sub(1)),
            };
            let here = Some((outputs, halvings));
            if inputs != input.channels
                || kernel != width
                || halvings.is_none()
                || shape.is_some_and(|s| Some(s) != here)
            {
                bail!("a weight {:?} does not fit its layer", term.weight.shape());
            }
            shape = here;
        }
        let Some((channels, Some(halvings))) = shape else { bail!("a layer needs a term") };
        let fits = |node: &Node| (self.nodes[node.0].channels, self.nodes[node.0].halvings) == (channels, halvings);
        if affine.scale.len() != channels
            || affine.shift.len() != channels
            || affine.styled.as_ref().is_some_and(|(a, b)| a.len() != channels || b.len() != channels)
            || !residual.as_ref().is_none_or(fits)
        {
            bail!("a layer of {channels} channels has a bias or a residual of others");
        }
        let mut outputs = Vec::new();
        for &slope in slopes {
            outputs.push((Node(self.nodes.len()), slope));
            self.nodes.push(NodeInfo { channels, halvings, mirrored: 0 });
        }
        for term in &terms {
            if let Window::Mirrored { padding } = term.window {
                let input = &mut self.nodes[term.node.0];
                input.mirrored = input.mirrored.max(padding);
            }
        }
        let nodes = outputs.iter().map(|(node, _)| *node).collect();
        self.layers.push(LayerOutline { terms, affine, residual, dropout: 0.0, outputs });
        Ok(nodes)
    }

    /// A seeded drawing sets `rate` of the last layer's values to zero and scales the rest up.
    pub fn drop_out(&mut self, rate: f32) {
        if let Some(layer) = self.layers.last_mut() {
            layer.dropout = rate;
        }
    }

    /// The picture is `last`, its channels shuffled into blocks of pixels where it is smaller than the photo.
    pub fn finish(mut self, last: Node, finish: Finish) -> Self {
        (self.last, self.finish) = (last, finish);
        self
    }

    /// The photo that the last values are added to is recoloured: each pixel's RGB `x` is `x + M·x + m`, where the 3×4
    /// numbers of `M` and `m`, a row being three factors and what is added, are `numbers·v` for a style `v` of `k`
    /// entries; `numbers` is `(12, k)`.
    ///
    /// # Errors
    /// When it is no such matrix, or the pictures have no three channels.
    pub fn recoloured(mut self, numbers: &Tensor) -> Result<Self> {
        let (12, styles) = numbers.dims2()? else { bail!("expected 12 rows, not {:?}", numbers.shape()) };
        let last = &self.nodes[self.last.0];
        if (self.nodes[0].channels, last.channels >> (2 * last.halvings)) != (3, 3) {
            bail!("only pictures of three channels are recoloured");
        }
        let device = numbers.device();
        let unchanged = Tensor::eye(3, DType::F32, device)?.pad_with_zeros(1, 0, 1)?.reshape(12)?;
        let none = Tensor::zeros((12, styles), DType::F32, device)?;
        self.colours = Some(Affine::bias(12, Some(&unchanged))?.styled(&none, numbers)?);
        Ok(self)
    }

    /// How often the photo is halved at most.
    pub(super) fn halvings(&self) -> usize {
        self.nodes.iter().map(|node| node.halvings).max().unwrap_or(0)
    }
}

/// The weight `(4·Cout, Cin, 3, 3)` of the convolution whose channels, shuffled into 2×2 blocks of pixels, equal the
/// 4×4 transposed convolution of stride 2 and padding 1 with `weight` `(Cin, Cout, 4, 4)`. For few output channels it
/// is faster: its four phases share one panel.
///
/// # Errors
/// When the weight has another shape.
pub fn shuffled(weight: &Tensor) -> Result<Tensor> {
    let (inputs, outputs, 4, 4) = weight.dims4()? else { bail!("expected a 4×4 weight, not {:?}", weight.shape()) };
    let from: Vec<f32> = weight.flatten_all()?.to_vec1()?;
    let mut to = vec![0.0; 4 * outputs * inputs * 9];
    // Output row 2y + p reads input row y + d through the weight's row p + 1 − 2d.
    let taps =
        |parity: usize| (0..3usize).filter_map(move |d| Some((d, (parity + 3).checked_sub(2 * d).filter(|k| *k < 4)?)));
    for (output, block) in (0..outputs).flat_map(|output| (0..4).map(move |block| (output, block))) {
        for ((dy, ky), input) in taps(block / 2).flat_map(|tap| (0..inputs).map(move |input| (tap, input))) {
            for (dx, kx) in taps(block % 2) {
                to[(((output * 4 + block) * inputs + input) * 3 + dy) * 3 + dx] =
                    from[((input * outputs + output) * 4 + ky) * 4 + kx];
            }
        }
    }
    Tensor::from_vec(to, (4 * outputs, inputs, 3, 3), weight.device())
}
