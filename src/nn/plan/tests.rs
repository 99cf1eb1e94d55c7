//! Every kernel against the layers on candle.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::kernels::lines::{level, value};
use crate::nn::anime::{AnimeConfig, anime};
use crate::nn::conv::{conv_transpose2d, conv2d};
use crate::nn::init::Parameters;
use crate::nn::norm::{NormKind, Statistics};
use crate::nn::pix2pix::Pix2pixConfig;
use crate::nn::resnet::resnet;
use crate::nn::unet::unet;
use crate::nn::{Generator, Pass};
use candle_core::Device;
use proptest::prelude::*;

/// Values between −scale and scale, the same for the same seed.
pub(super) fn noise(shape: &[usize], scale: f32, seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let values: Vec<f32> = (0..shape.iter().product::<usize>())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn available() -> impl Iterator<Item = Instructions> {
    Instructions::ALL.into_iter().filter(|set| set.available())
}

fn largest(x: &Tensor) -> f32 {
    x.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

/// What rounding may cost: bf16 keeps 8 bits of each factor.
fn tolerance(set: Instructions, reference: &Tensor) -> f32 {
    let scale = largest(reference).max(1.0);
    if set.bf16() { 0.03 * scale } else { 2e-5 * scale }
}

/// Some parts of a picture: around a corner, in the middle, and a pixel.
fn parts(picture: &Tensor) -> [Area; 3] {
    let (_, _, height, width) = picture.dims4().unwrap();
    [
        Area { rows: 0..height.div_ceil(3), columns: 0..width.div_ceil(2) },
        Area { rows: height / 3..height - height / 4, columns: width / 4..width - width / 3 },
        Area { rows: height - 1..height, columns: width / 2..width / 2 + 1 },
    ]
}

fn part(picture: &Tensor, area: &Area) -> Tensor {
    let rows = picture.narrow(2, area.rows.start, area.rows.len()).unwrap();
    rows.narrow(3, area.columns.start, area.columns.len()).unwrap()
}

/// Parts of a picture, of which every layer draws what they need alone, against `reference`.
fn compare_parts<K: Kernel>(outline: &Outline, photo: &Tensor, style: &[f32], reference: &Tensor) {
    let packed = Packed::<K>::new(outline).unwrap();
    for wanted in parts(reference) {
        // Another picture, so that nothing that is needed lies in the buffers by chance.
        packed.draw(&photo.affine(-1.0, 0.0).unwrap(), style, None).unwrap();
        let drawing = Drawing { wanted: &wanted, style, noise: None };
        let drawn = photo.apply_op1_no_bwd(&Run { plan: &packed, drawing }).unwrap();
        let off = largest(&(part(&drawn, &wanted) - part(reference, &wanted)).unwrap());
        assert!(off <= tolerance(K::INSTRUCTIONS, reference), "{:?}: {off} off in {wanted:?}", K::INSTRUCTIONS);
    }
}

/// `(N, C, H, W)` in −1..1 as bytes, `(H, W, C)` each.
fn bytes(planes: &Tensor) -> Vec<Vec<u8>> {
    let pixels = planes.permute((0, 2, 3, 1)).unwrap().flatten(1, 3).unwrap().to_vec2::<f32>().unwrap();
    pixels.into_iter().map(|values| values.into_iter().map(level).collect()).collect()
}

/// What a plan makes of bytes against what it makes of their planes.
fn compare_pixels(plan: &dyn PixelPlan, photo: &Tensor, style: &[f32]) {
    let (batch, channels, height, width) = photo.dims4().unwrap();
    let photos = bytes(photo);
    let seen: Vec<f32> = photos.iter().flatten().map(|&byte| value(byte)).collect();
    let seen = Tensor::from_vec(seen, (batch, height, width, channels), &Device::Cpu).unwrap();
    let expected = bytes(&plan.draw(&seen.permute((0, 3, 1, 2)).unwrap(), style, None).unwrap());
    let photos: Vec<&[u8]> = photos.iter().map(Vec::as_slice).collect();
    let draw = |view: &View| {
        let mut drawings: Vec<Vec<u8>> = expected.iter().map(|picture| vec![77; picture.len()]).collect();
        let mut drawn: Vec<&mut [u8]> = drawings.iter_mut().map(Vec::as_mut_slice).collect();
        plan.draw_pixels(&photos, &mut drawn, view, style, None).map(|()| drawings)
    };
    let all = Area::whole(height, width);
    let whole = View { size: (height, width), source: all.clone(), kept: all, multiple: 1 };
    assert!(draw(&whole).unwrap() == expected, "{}: bytes are drawn as planes are", plan.instructions());
    for kept in parts(photo) {
        let drawings = draw(&View { kept: kept.clone(), ..whole.clone() }).unwrap();
        for (drawing, expected) in drawings.iter().zip(&expected) {
            let outputs = expected.len() / (height * width);
            for (i, (drawn, expected)) in drawing.iter().zip(expected).enumerate() {
                let (y, x) = (i / outputs / width, i / outputs % width);
                let inside = kept.rows.contains(&y) && kept.columns.contains(&x);
                // Sums may round otherwise where tiles of a layer begin elsewhere.
                assert!(if inside { drawn.abs_diff(*expected) <= 1 } else { *drawn == 77 }, "{kept:?}: {y}, {x}");
            }
        }
    }
    let beyond = Area { rows: 0..height + 1, columns: 0..width };
    assert!(draw(&View { kept: beyond, ..whole }).is_err());
}

/// Every available kernel's picture against `reference`, and that of the calls for CUDA by plain loops.
fn compare(outline: &Outline, photo: &Tensor, style: &[f32], reference: &Tensor) {
    for set in available() {
        let plan = plan(outline, set).unwrap();
        // Twice: the second picture is drawn in buffers that the first one has used.
        for _ in 0..2 {
            let drawn = plan.draw(photo, style, None).unwrap();
            assert_eq!(drawn.dims(), reference.dims(), "{set:?}");
            let off = largest(&(&drawn - reference).unwrap());
            assert!(off <= tolerance(set, reference), "{set:?}: {off} off");
        }
        compare_pixels(&*plan, photo, style);
        match set {
            Instructions::Portable => compare_parts::<Portable>(outline, photo, style, reference),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => compare_parts::<Avx2>(outline, photo, style, reference),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => compare_parts::<Avx512>(outline, photo, style, reference),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Bf16 => compare_parts::<Avx512Bf16>(outline, photo, style, reference),
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx => compare_parts::<Amx>(outline, photo, style, reference),
            #[cfg(not(target_arch = "x86_64"))]
            _ => unreachable!("not available"),
        }
    }
    let off = largest(&(cuda::tests::draw(outline, photo, style) - reference).unwrap());
    assert!(off <= tolerance(Instructions::Portable, reference), "by the calls for CUDA: {off} off");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// A convolution of any stride, a doubling with a convolution beside it, a residual and a rectifier: odd sizes,
    /// batches, channel counts below and above a panel.
    #[test]
    fn layers_agree_with_candles(
        (batch, height, width) in (1usize..4, 1usize..9, 1usize..34),
        (inputs, middle, outputs) in (1usize..5, 1usize..40, 1usize..70),
        seed in 0u32..1000,
    ) {
        let photo = noise(&[batch, inputs, 2 * height, 2 * width], 1.0, seed);
        let down = noise(&[middle, inputs, 4, 4], 0.3, seed + 1);
        let up = noise(&[middle, outputs, 4, 4], 0.2, seed + 2);
        let beside = noise(&[outputs, inputs, 3, 3], 0.2, seed + 3);
        let same = noise(&[outputs, outputs, 3, 3], 0.1, seed + 4);
        let bias = noise(&[outputs], 0.5, seed + 5);
        let last = noise(&[inputs, outputs, 1, 1], 0.1, seed + 6);

        let leaky = |x: &Tensor| x.maximum(&(x * 0.2).unwrap()).unwrap();
        let shift = |x: &Tensor| x.broadcast_add(&bias.reshape((1, outputs, 1, 1)).unwrap()).unwrap();
        let halved = leaky(&conv2d(&photo, &down, 2, 1).unwrap());
        let joined = (conv_transpose2d(&halved, &up, 2, 1, 0).unwrap() + conv2d(&photo, &beside, 1, 1).unwrap()).unwrap();
        let joined = leaky(&shift(&joined));
        let refined = (&joined + shift(&conv2d(&joined, &same, 1, 1).unwrap())).unwrap();
        let reference = conv2d(&refined, &last, 1, 0).unwrap().tanh().unwrap();

        let (mut outline, node) = Outline::new(inputs);
        let term = |node, weight: &Tensor, window| Term { node, weight: weight.clone(), window };
        let conv = |stride, padding| Window::Convolution { stride, padding };
        let none = |channels| Affine::bias(channels, None).unwrap();
        let biased = || Affine::bias(outputs, Some(&bias)).unwrap();
        let halved = outline.layer(vec![term(node, &down, conv(2, 1))], none(middle), None, 0.2).unwrap();
        let both = vec![term(halved, &up, Window::Doubling { padding: 1 }), term(node, &beside, conv(1, 1))];
        let joined = outline.layer(both, biased(), None, 0.2).unwrap();
        let refined = outline.layer(vec![term(joined, &same, conv(1, 1))], biased(), Some(joined), 1.0).unwrap();
        let drawn = outline.layer(vec![term(refined, &last, conv(1, 0))], none(inputs), None, 1.0).unwrap();
        compare(&outline.finish(drawn, Finish::Tanh), &photo, &[], &reference);
    }
}

/// A network of that builder whose parameters have all moved from their start, by at most `scale`.
pub(super) fn trained<G: Generator>(scale: f32, build: impl Fn(candle_nn::VarBuilder<'static>) -> Result<G>) -> G {
    let parameters = Parameters::default();
    let network = build(parameters.seeded(3, &Device::Cpu)).unwrap();
    for (i, (name, var)) in parameters.all().into_iter().enumerate() {
        let offset = if name.ends_with("running_var") { 0.2 } else { 0.0 };
        let moved = noise(var.dims(), scale, i as u32).affine(1.0, offset).unwrap();
        var.set(&(var.as_detached_tensor() + moved).unwrap()).unwrap();
    }
    network
}

#[test]
fn the_anime_generator_is_the_same_picture() {
    for widths in [vec![4, 6], vec![8, 20, 40], vec![32, 64, 128, 192]] {
        let network = trained(0.03, |vb| {
            anime(&AnimeConfig { widths: widths.clone(), blocks: 1, styles: 0, ..AnimeConfig::default() }, vb)
        });
        let outline = network.outline().unwrap();
        let multiple = network.multiple();
        for (batch, height, width) in [(1, 1, 1), (2, 3, 2), (1, 2, 7)] {
            let photo = noise(&[batch, 3, height * multiple, width * multiple], 0.9, 7);
            compare(&outline, &photo, &[], &network.forward(&photo, &Pass::INFERENCE).unwrap());
        }
    }
}

#[test]
fn a_style_scales_and_shifts() {
    let config = AnimeConfig { widths: vec![8, 12], blocks: 1, styles: 3, recolours: true };
    let network = trained(0.1, |vb| anime(&config, vb));
    let outline = network.outline().unwrap();
    let photo = noise(&[2, 3, 8, 12], 0.9, 3);
    let draw = |style: &Tensor| network.forward(&photo, &Pass { style: Some(style), ..Pass::INFERENCE }).unwrap();
    let mut pictures = Vec::new();
    for style in [[1.0f32, 0.0, 0.0], [0.2, 0.3, 0.5], [0.0; 3]] {
        let reference = draw(&Tensor::from_slice(&style, (1, 3), &Device::Cpu).unwrap());
        compare(&outline, &photo, &style, &reference);
        pictures.push(reference);
    }
    assert!(largest(&(&pictures[0] - &pictures[1]).unwrap()) > 0.01, "styles must differ for this to prove anything");
    let error = plan(&outline, Instructions::Portable).unwrap().draw(&photo, &[1.0], None).unwrap_err().to_string();
    assert!(error.contains("3 styles, not 1"), "{error}");
}

#[test]
fn pix2pix_unets_are_the_same_picture() {
    for (depth, width, inputs, outputs) in [(3, 4, 3, 3), (5, 10, 1, 3), (6, 8, 4, 1)] {
        let config = Pix2pixConfig { inputs, outputs, width, ..Pix2pixConfig::default() };
        let network = trained(0.08, |vb| unet(depth, config, vb));
        let outline = network.outline().unwrap();
        for (batch, height, width) in [(1, 1, 1), (3, 1, 2)] {
            let photo = noise(&[batch, inputs, height << depth, width << depth], 0.9, 5);
            compare(&outline, &photo, &[], &network.forward(&photo, &Pass::INFERENCE).unwrap());
        }
    }
}

/// What the plan of `network` draws with and without a seed is what its layers draw.
fn compare_network(network: &impl Generator, inputs: usize, (batch, height, width): (usize, usize, usize)) {
    let multiple = network.multiple();
    let photo = noise(&[batch, inputs, height * multiple, width * multiple], 0.9, 5);
    let outline = network.outline().unwrap();
    compare(&outline, &photo, &[], &network.forward(&photo, &Pass::INFERENCE).unwrap());
    let seeded = Noise::new(7);
    let reference = network.forward(&photo, &Pass { noise: Some(&seeded), ..Pass::INFERENCE }).unwrap();
    for set in available() {
        let drawn = plan(&outline, set).unwrap().draw(&photo, &[], Some(&Noise::new(7))).unwrap();
        let off = largest(&(&drawn - &reference).unwrap());
        assert!(off <= tolerance(set, &reference), "{set:?}: {off} off with a seed");
    }
}

/// The norms that see the whole picture, and the one that does not.
const NORMS: [(NormKind, Statistics); 3] = [
    (NormKind::Batch, Statistics::Running),
    (NormKind::Batch, Statistics::Image),
    (NormKind::Instance, Statistics::Running),
];

#[test]
fn unets_of_any_norm_are_the_same_picture() {
    for (norm, statistics) in NORMS {
        let config = Pix2pixConfig { width: 4, norm, statistics, ..Pix2pixConfig::default() };
        let network = trained(0.08, |vb| unet(6, config, vb));
        for size in [(1, 1, 1), (3, 1, 2)] {
            compare_network(&network, 3, size);
        }
    }
}

#[test]
fn residual_generators_are_the_same_picture() {
    for (norm, statistics) in NORMS {
        for (inputs, outputs, width) in [(3, 3, 4), (1, 4, 10)] {
            let config = Pix2pixConfig { inputs, outputs, width, norm, statistics, ..Pix2pixConfig::default() };
            let network = trained(0.04, |vb| resnet(2, config, vb));
            // Also where a side is shorter than what is mirrored.
            for size in [(1, 1, 1), (2, 5, 3), (1, 2, 9)] {
                compare_network(&network, inputs, size);
            }
        }
    }
}

#[test]
fn a_border_is_mirrored_for_all_readers_or_for_none() {
    let (mut outline, photo) = Outline::new(1);
    let weight = noise(&[1, 1, 3, 3], 1.0, 1);
    let window = [Window::Mirrored { padding: 1 }, Window::Convolution { stride: 1, padding: 1 }];
    let terms = window.map(|window| Term { node: photo, weight: weight.clone(), window }).into();
    let x = outline.layer(terms, Affine::bias(1, None).unwrap(), None, 1.0).unwrap();
    let error = plan(&outline.finish(x, Finish::Tanh), Instructions::Portable).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("mirrored for one reader"), "{error}");
}

#[test]
fn a_part_asks_layers_for_what_reaches_it() {
    let config = AnimeConfig { widths: vec![8, 12, 16], blocks: 1, styles: 0, ..AnimeConfig::default() };
    let network = trained(0.03, |vb| anime(&config, vb));
    let packed = Packed::<Portable>::new(&network.outline().unwrap()).unwrap();
    let (side, wanted) = (512, Area { rows: 200..300, columns: 210..280 });
    let areas = packed.areas((side, side), &wanted);
    let (first, last) = (&areas[0], &areas[areas.len() - 1]);
    assert_eq!(*last, wanted.reduced(2), "the last layer, at half the photo's size");
    // The first one's windows are four pixels wide, in steps of two.
    let reach = network.reach().unwrap();
    for (area, wanted) in [(&first.rows, &wanted.rows), (&first.columns, &wanted.columns)] {
        let (before, behind) = (wanted.start - (2 * area.start - 1), 2 * area.end + 1 - wanted.end);
        assert!(before <= reach && behind <= reach, "{before} and {behind} pixels for a reach of {reach}");
        assert!(before.min(behind) + 24 > reach, "{before} and {behind} pixels for a reach of {reach}");
    }
    let whole = Area::whole(side, side);
    assert!(
        packed.areas((side, side), &whole).iter().all(|area| area.rows.start == 0 && area.rows.end.is_power_of_two())
    );

    // A norm over the picture looks at all of it.
    let config = Pix2pixConfig { width: 4, norm: NormKind::Instance, ..Pix2pixConfig::default() };
    let packed = Packed::<Portable>::new(&trained(0.02, |vb| unet(6, config, vb)).outline().unwrap()).unwrap();
    let [part, whole] =
        [Area { rows: 0..8, columns: 0..8 }, Area::whole(64, 64)].map(|area| packed.areas((64, 64), &area));
    assert_eq!(part, whole);
}

#[test]
fn buffers_are_shared_and_pictures_of_other_sizes_fit() {
    let network = trained(0.03, |vb| {
        anime(&AnimeConfig { widths: vec![8, 12, 16], blocks: 2, styles: 0, ..AnimeConfig::default() }, vb)
    });
    let outline = network.outline().unwrap();
    let packed = Packed::<Portable>::new(&outline).unwrap();
    assert!(
        packed.slots.len() < outline.nodes.len() / 2,
        "{} buffers for {} nodes",
        packed.slots.len(),
        outline.nodes.len()
    );
    for (height, width) in [(16, 24), (8, 8), (16, 24), (40, 16)] {
        let photo = noise(&[1, 3, height, width], 0.9, height as u32);
        let reference = network.forward(&photo, &Pass::INFERENCE).unwrap();
        assert!(largest(&(packed.draw(&photo, &[], None).unwrap() - reference).unwrap()) < 2e-5);
    }
    let error = packed.draw(&noise(&[1, 3, 12, 8], 1.0, 1), &[], None).unwrap_err().to_string();
    assert!(error.contains("multiples of 8"), "{error}");
}
