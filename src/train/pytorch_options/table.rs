//! What every option of pytorch-CycleGAN-and-pix2pix is to a recipe. A new
//! setting of ours that one of theirs means is a line changed here.

use super::Draft;
use crate::models::Architecture;
use crate::nn::norm::NormKind;
use crate::nn::pix2pix::Pix2pixConfig;
use crate::train::dataset::Direction;
use crate::train::losses::GanLoss;
use crate::train::schedule::Schedule;
use std::str::FromStr;

/// An option.
pub struct Line {
    pub option: &'static str,
    /// What it was called before 2019; empty: the same, or not there.
    pub before: &'static str,
    pub meaning: Meaning,
}

/// What an option is to a recipe.
pub enum Meaning {
    /// A setting; says why where it cannot be.
    Sets(fn(&mut Draft, &str) -> Result<(), String>),
    /// No setting: Sakuga always does what the option's values `ours` ask for. Its other values are
    /// `theirs`; without any, every value is one.
    Always { ours: &'static [&'static str], theirs: &'static [&'static str], does: &'static str },
    /// Nothing that changes what is learnt; where Sakuga has it.
    Elsewhere(&'static str),
}
use Meaning::{Always, Elsewhere, Sets};

const fn line(option: &'static str, before: &'static str, meaning: Meaning) -> Line {
    Line { option, before, meaning }
}

const OWN_PLACE: &str = "a run writes its rows, samples and checkpoints after every epoch";
const NO_PAGE: &str = "a run's folder holds curves.svg, samples/ and metrics.jsonl instead";
const RUN: &str = "name the run's folder with fit --out RUN";
const TESTING: &str = "it is for testing";

#[rustfmt::skip] // A table reads better in rows.
pub const TABLE: &[Line] = &[
    // The networks. The model comes first, netG before what sizes it.
    line("model", "", Sets(model)),
    line("isTrain", "", Sets(|_, value| one_of(value, &[("True", ())], "these are options of a test: give the train_opt.txt"))),
    line("dataset_mode", "", Sets(|_, value| one_of(value, &[("aligned", ())], "pix2pix learns from pairs: use aligned"))),
    line("netG", "which_model_netG", Sets(generator)),
    line("ngf", "", Sets(|draft, value| { sizes(draft)?.width = positive(value)?; Ok(()) })),
    line("norm", "", Sets(norm)),
    line("no_dropout", "", Sets(|draft, value| { if yes(value)? { sizes(draft)?.dropout = 0.0 } Ok(()) })),
    line("input_nc", "", Sets(|_, value| one_of(value, &[("3", ())], "training reads RGB photos: use 3"))),
    line("output_nc", "", Sets(|_, value| one_of(value, &[("3", ())], "training draws RGB pictures: use 3"))),
    line("netD", "which_model_netD", Sets(discriminator)),
    line("n_layers_D", "", Sets(|draft, value| { draft.layers = positive(value)?; Ok(()) })),
    line("ndf", "", Sets(|draft, value| { draft.recipe.discriminator.width = positive(value)?; Ok(()) })),
    line("init_type", "", Always { ours: &["normal"], theirs: &["xavier", "kaiming", "orthogonal"], does: "weights start normal" }),
    line("init_gain", "", Always { ours: &["0.02"], theirs: &[], does: "weights start with a standard deviation of 0.02" }),
    // The losses.
    line("gan_mode", "", Sets(gan)),
    line("no_lsgan", "", Sets(|draft, value| { draft.recipe.gan = if yes(value)? { GanLoss::Vanilla } else { GanLoss::Lsgan }; Ok(()) })),
    line("lambda_L1", "", Sets(|draft, value| { draft.recipe.lambda_l1 = number(value)?; Ok(()) })),
    line("pool_size", "", Sets(|draft, value| { draft.recipe.pool = number(value)?; Ok(()) })),
    // The optimiser and its time.
    line("lr", "", Sets(|draft, value| { draft.recipe.rate = number(value)?; draft.recipe.discriminator_rate = draft.recipe.rate; Ok(()) })),
    line("beta1", "", Sets(|draft, value| { draft.recipe.betas.0 = number(value)?; Ok(()) })),
    line("batch_size", "batchSize", Sets(|draft, value| { draft.recipe.batch = positive(value)?; Ok(()) })),
    line("n_epochs", "niter", Sets(|draft, value| { draft.recipe.epochs = number(value)?; Ok(()) })),
    line("n_epochs_decay", "niter_decay", Sets(|draft, value| { draft.recipe.epochs_decay = number(value)?; Ok(()) })),
    line("lr_policy", "", Sets(policy)),
    line("lr_decay_iters", "", Sets(|draft, value| { draft.decay_every = positive(value)?; Ok(()) })),
    line("epoch_count", "", Always { ours: &["1"], theirs: &[], does: "a run starts with its first epoch" }),
    line("continue_train", "", Always { ours: &["False"], theirs: &["True"], does: "go on from weights with fit --init latest_net_G.pth" }),
    // The data.
    line("direction", "which_direction", Sets(direction)),
    line("preprocess", "resize_or_crop", Sets(preprocess)),
    line("load_size", "loadSize", Sets(|draft, value| { draft.load_size = number(value)?; Ok(()) })),
    line("crop_size", "fineSize", Sets(|draft, value| { draft.recipe.augment.crop = positive(value)?; Ok(()) })),
    line("no_flip", "", Sets(|draft, value| { draft.recipe.augment.flip = if yes(value)? { 0.0 } else { 0.5 }; Ok(()) })),
    line("max_dataset_size", "", Always { ours: &["inf", "Infinity"], theirs: &[], does: "every pair is used" }),
    line("serial_batches", "", Always { ours: &["False"], theirs: &["True"], does: "pairs come in another order each epoch" }),
    line("dataroot", "", Elsewhere("name the data with fit --data DIR")),
    line("phase", "", Elsewhere("a run trains on train/ and looks at val/")),
    line("num_threads", "nThreads", Elsewhere("see fit --workers")),
    // The run, and what it shows.
    line("name", "", Elsewhere(RUN)),
    line("checkpoints_dir", "", Elsewhere(RUN)),
    line("suffix", "", Elsewhere(RUN)),
    line("gpu_ids", "", Elsewhere("see fit --device")),
    line("epoch", "which_epoch", Elsewhere(TESTING)),
    line("load_iter", "", Elsewhere(TESTING)),
    line("print_freq", "", Elsewhere(OWN_PLACE)),
    line("save_latest_freq", "", Elsewhere(OWN_PLACE)),
    line("save_epoch_freq", "", Elsewhere(OWN_PLACE)),
    line("save_by_iter", "", Elsewhere(OWN_PLACE)),
    line("update_html_freq", "", Elsewhere(NO_PAGE)),
    line("no_html", "", Elsewhere(NO_PAGE)),
    line("display_freq", "", Elsewhere(NO_PAGE)),
    line("display_ncols", "display_single_pane_ncols", Elsewhere(NO_PAGE)),
    line("display_id", "", Elsewhere(NO_PAGE)),
    line("display_server", "", Elsewhere(NO_PAGE)),
    line("display_env", "", Elsewhere(NO_PAGE)),
    line("display_port", "", Elsewhere(NO_PAGE)),
    line("display_winsize", "", Elsewhere(NO_PAGE)),
    line("use_wandb", "", Elsewhere(NO_PAGE)),
    line("wandb_project_name", "", Elsewhere(NO_PAGE)),
    line("verbose", "", Elsewhere(NO_PAGE)),
];

/// What `value` stands for, or why it cannot be.
fn one_of<T: Clone>(value: &str, known: &[(&str, T)], otherwise: &str) -> Result<T, String> {
    known
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, meaning)| meaning.clone())
        .ok_or_else(|| otherwise.to_owned())
}

fn number<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| "use a number from 0 on".to_owned())
}

fn positive(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|value| *value > 0).ok_or_else(|| "use a whole number from 1 on".to_owned())
}

fn yes(value: &str) -> Result<bool, String> {
    one_of(value, &[("True", true), ("False", false)], "use True or False")
}

/// The sizes of the generator.
fn sizes(draft: &mut Draft) -> Result<&mut Pix2pixConfig, String> {
    draft.recipe.architecture.pix2pix_mut().ok_or_else(|| "only pix2pix's generators have it".into())
}

fn model(draft: &mut Draft, value: &str) -> Result<(), String> {
    one_of(value, &[("pix2pix", ())], "only pix2pix learns from pairs, as Sakuga does: use --model pix2pix")?;
    draft.model = Some(value.to_owned());
    Ok(())
}

fn generator(draft: &mut Draft, value: &str) -> Result<(), String> {
    let config = Pix2pixConfig::default();
    let known = [
        ("unet_256", Architecture::UNet256(config)),
        ("unet_128", Architecture::UNet128(config)),
        ("resnet_9blocks", Architecture::ResNet9(config)),
        ("resnet_6blocks", Architecture::ResNet6(config)),
    ];
    draft.recipe.architecture = one_of(value, &known, "use unet_256, unet_128, resnet_9blocks or resnet_6blocks")?;
    Ok(())
}

fn norm(draft: &mut Draft, value: &str) -> Result<(), String> {
    let synced = ["syncbatch", "sync_batch"];
    let known = [
        ("batch", NormKind::Batch),
        ("instance", NormKind::Instance),
        ("none", NormKind::None),
        (synced[0], NormKind::Batch),
        (synced[1], NormKind::Batch),
    ];
    let kind = one_of(value, &known, "use batch, instance or none")?;
    if synced.contains(&value) {
        draft.warnings.push(format!("norm {value} is taken as batch: a run computes on one device"));
    }
    sizes(draft)?.norm = kind;
    draft.recipe.discriminator.norm = kind;
    Ok(())
}

fn discriminator(draft: &mut Draft, value: &str) -> Result<(), String> {
    one_of(value, &[("basic", ()), ("n_layers", ()), ("pixel", ())], "use basic, n_layers or pixel")?;
    draft.discriminator = value.to_owned();
    Ok(())
}

fn gan(draft: &mut Draft, value: &str) -> Result<(), String> {
    let known = [("vanilla", GanLoss::Vanilla), ("lsgan", GanLoss::Lsgan), ("wgangp", GanLoss::WganGp)];
    draft.recipe.gan = one_of(value, &known, "use vanilla, lsgan or wgangp")?;
    Ok(())
}

fn policy(draft: &mut Draft, value: &str) -> Result<(), String> {
    let name = if value == "lambda" { "linear" } else { value };
    draft.recipe.schedule = Schedule::named(name).ok_or("use linear, step, plateau or cosine")?;
    Ok(())
}

fn direction(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.recipe.direction =
        one_of(value, &[("AtoB", Direction::AtoB), ("BtoA", Direction::BtoA)], "use AtoB or BtoA")?;
    Ok(())
}

fn preprocess(draft: &mut Draft, value: &str) -> Result<(), String> {
    let known = ["resize_and_crop", "crop", "scale_width", "scale_width_and_crop", "none"].map(|name| (name, ()));
    one_of(value, &known, "use resize_and_crop, crop, scale_width, scale_width_and_crop or none")?;
    draft.preprocess = value.to_owned();
    Ok(())
}
