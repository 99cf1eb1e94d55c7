//! The calls of the plan on CUDA, run by plain loops, against the layers on candle.

#![allow(clippy::unwrap_used)]

use super::super::outline::{Affine, Finish, Outline, Term, Window};
use super::super::tests::{noise, trained};
use super::super::{Instructions, plan};
use super::layout::Layout;
use crate::kernels::cuda::plain;
use crate::kernels::cuda::program::{Call, Program};
use crate::nn::Generator;
use crate::nn::anime::{AnimeConfig, anime};
use crate::nn::norm::NormKind;
use crate::nn::pix2pix::Pix2pixConfig;
use crate::nn::resnet::resnet;
use crate::nn::unet::unet;
use candle_core::{Device, Tensor};

/// What the calls for an outline draw, in f32.
pub fn draw(outline: &Outline, photo: &Tensor, style: &[f32]) -> Tensor {
    let (layout, weights) = Layout::new(outline).unwrap();
    let (batch, _, height, width) = photo.dims4().unwrap();
    let program = layout.program((batch, height, width));
    let values: Vec<f32> = photo.flatten_all().unwrap().to_vec1().unwrap();
    let picture = plain::draw(&program, &weights, &layout.affine(style), &values);
    Tensor::from_vec(picture, (batch, layout.picture, height, width), &Device::Cpu).unwrap()
}

fn program(network: &impl Generator, size: (usize, usize, usize)) -> Program {
    let (layout, weights) = Layout::new(&network.outline().unwrap()).unwrap();
    let program = layout.program(size);
    assert_eq!(program.check(&weights, layout.affine(&[]).len()), Ok(()));
    program
}

/// Convolutions, moments and finishes.
fn counts(program: &Program) -> (usize, usize, usize) {
    let count = |like: fn(&Call) -> bool| program.calls.iter().filter(|call| like(call)).count();
    (
        count(|call| matches!(call, Call::Convolve(..))),
        count(|call| matches!(call, Call::Moments(_))),
        count(|call| matches!(call, Call::Finish { .. })),
    )
}

#[test]
fn a_layer_is_one_call() {
    let network = trained(0.1, |vb| {
        anime(&AnimeConfig { widths: vec![8, 12, 16], blocks: 2, styles: 0, ..AnimeConfig::default() }, vb)
    });
    let program = program(&network, (2, 16, 24));
    let layers = network.outline().unwrap().layers.len();
    assert_eq!(counts(&program), (layers, 0, 0));
    assert!(program.buffers.len() < 2 * layers / 3, "{} buffers for {layers} layers", program.buffers.len());
    // The photo is halved by all that read it: three channels of four pixels.
    assert_eq!((program.photo_block, program.photo.channels, program.photo.height), (2, 16, 8));
}

/// Windows that halve, of any size and padding, see the same of blocks of pixels.
#[test]
fn halving_windows_see_blocks() {
    for (kernel, padding) in [(2, 0), (4, 1), (3, 1), (6, 2), (5, 2), (1, 0)] {
        let (mut outline, photo) = Outline::new(3);
        let terms = vec![Term {
            node: photo,
            weight: noise(&[8, 3, kernel, kernel], 0.5, 1),
            window: Window::Convolution { stride: 2, padding },
        }];
        let x = outline.layer(terms, Affine::bias(8, None).unwrap(), None, 1.0).unwrap();
        let outline = outline.finish(x, Finish::Tanh);
        let photo = noise(&[2, 3, 6, 10], 1.0, 4);
        assert_eq!(Layout::new(&outline).unwrap().0.program((2, 6, 10)).photo_block, 2);
        let reference = plan(&outline, Instructions::Portable).unwrap().draw(&photo, &[], None).unwrap();
        let off = (draw(&outline, &photo, &[]) - reference).unwrap();
        assert!(off.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-5, "{kernel} {padding}");
    }
}

#[test]
fn what_it_does_not_draw_is_refused() {
    let layout = |network: &dyn Generator| Layout::new(&network.outline().unwrap()).unwrap().0;
    let styled = layout(&trained(0.1, |vb| {
        anime(&AnimeConfig { widths: vec![8, 12], blocks: 1, styles: 3, recolours: true }, vb)
    }));
    assert!(styled.fits((3, 8, 12), 3, true).is_ok());
    let dropping = layout(&trained(0.1, |vb| unet(6, Pix2pixConfig { width: 4, ..Pix2pixConfig::default() }, vb)));
    assert!(dropping.fits((3, 64, 128), 0, false).is_ok());
    for (refused, why) in [
        (styled.fits((3, 8, 12), 1, false), "3 styles, not 1"),
        (styled.fits((1, 8, 12), 3, false), "3 channels"),
        (styled.fits((3, 6, 12), 3, false), "multiples of 4"),
        (styled.fits((3, 0, 12), 3, false), "multiples of 4"),
        (dropping.fits((3, 64, 128), 0, true), "no dropout"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn norms_over_the_picture_take_its_moments() {
    let config = Pix2pixConfig { width: 4, norm: NormKind::Instance, ..Pix2pixConfig::default() };
    let residual = trained(0.04, |vb| resnet(2, config, vb));
    // Stem, two halvings, two blocks of two, two doublings, and the head, which alone has no norm.
    assert_eq!(counts(&program(&residual, (1, 8, 12))), (10, 9, 9));
    let u = trained(0.08, |vb| unet(5, config, vb));
    let (convolutions, moments, finishes) = counts(&program(&u, (1, 32, 32)));
    // Five halvings and five doublings; the outermost have no norm.
    assert_eq!(convolutions, 10);
    assert!(moments > 0 && finishes == moments, "{moments} {finishes}");
}

/// Three readers of a convolution, rectified for each; `apart`: convolved for each, too.
fn three_readers(apart: bool) -> Outline {
    let (mut outline, photo) = Outline::new(2);
    let term = |node, weight: &Tensor, window| vec![Term { node, weight: weight.clone(), window }];
    let none = |channels| Affine::bias(channels, None).unwrap();
    let conv = |padding| Window::Convolution { stride: 1, padding };
    let [first, wide] = [(2, 1), (3, 2)].map(|(inputs, seed)| noise(&[3, inputs, 3, 3], 0.5, seed));
    let last = noise(&[2, 3, 1, 1], 0.5, 3);
    let slopes = [0.2, 1.0, 0.0];
    let mut layer = |slopes: &[f32]| outline.rectified(term(photo, &first, conv(1)), none(3), None, slopes).unwrap();
    let read = if apart { slopes.iter().flat_map(|slope| layer(&[*slope])).collect() } else { layer(&slopes) };
    let mirrored = term(read[0], &wide, Window::Mirrored { padding: 1 });
    let x = outline.layer(mirrored, none(3), Some(read[1]), 1.0).unwrap();
    let both = [read[2], x].into_iter().flat_map(|node| term(node, &last, conv(0))).collect();
    let x = outline.layer(both, none(2), None, 1.0).unwrap();
    outline.finish(x, Finish::Tanh)
}

#[test]
fn outputs_of_one_layer_may_differ_in_what_is_around() {
    let photo = noise(&[2, 2, 5, 7], 1.0, 4);
    let reference = plan(&three_readers(true), Instructions::Portable).unwrap().draw(&photo, &[], None).unwrap();
    let off = (draw(&three_readers(false), &photo, &[]) - reference).unwrap();
    assert!(off.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-5);
}

#[test]
fn a_window_sees_what_is_around_or_is_refused() {
    let weight = noise(&[1, 1, 1, 1], 1.0, 1);
    for doubling in [false, true] {
        let (mut outline, photo) = Outline::new(1);
        let none = || Affine::bias(1, None).unwrap();
        let four = noise(&[1, 1, 4, 4], 1.0, 2);
        let half = Window::Convolution { stride: 2, padding: 1 };
        let other =
            outline.layer(vec![Term { node: photo, weight: four.clone(), window: half }], none(), None, 1.0).unwrap();
        for node in [photo, other] {
            let mirrored = Term { node, weight: noise(&[1, 1, 3, 3], 1.0, 3), window: Window::Mirrored { padding: 1 } };
            outline.layer(vec![mirrored], none(), None, 1.0).unwrap();
        }
        let (node, weight, window) = if doubling {
            (other, four, Window::Doubling { padding: 1 })
        } else {
            (photo, weight.clone(), Window::Convolution { stride: 1, padding: 0 })
        };
        let x = outline.layer(vec![Term { node, weight, window }], none(), None, 1.0).unwrap();
        let error = Layout::new(&outline.finish(x, Finish::Tanh)).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("mirrored ones around"), "{error}");
    }
}
