#![allow(clippy::unwrap_used)]

use super::*;
use crate::nn::norm::NormKind;
use crate::nn::pix2pix::Pix2pixConfig;
use crate::train::dataset::Direction;
use crate::train::losses::GanLoss;

/// As that repository prints them.
const LISTED: &str = "\
----------------- Options ---------------
               batch_size: 4                             \t[default: 1]
                    beta1: 0.5                           
          checkpoints_dir: ./checkpoints                 
           continue_train: False                         
                crop_size: 256                           
                 dataroot: ./datasets/facades            \t[default: None]
             dataset_mode: aligned                       
                direction: BtoA                          \t[default: AtoB]
                 gan_mode: lsgan                         \t[default: vanilla]
                  gpu_ids: 0                             
                init_gain: 0.02                          
                  isTrain: True                          \t[default: None]
                lambda_L1: 50.0                          \t[default: 100.0]
                load_size: 256                           \t[default: 286]
                       lr: 0.0001                        \t[default: 0.0002]
                lr_policy: cosine                        \t[default: linear]
         max_dataset_size: inf                           
                    model: pix2pix                       \t[default: cycle_gan]
               n_layers_D: 3                             
                     name: facades                       \t[default: experiment_name]
                 n_epochs: 30                            \t[default: 100]
           n_epochs_decay: 20                            \t[default: 100]
                     netD: basic                         
                     netG: unet_128                      \t[default: unet_256]
                      ngf: 32                            \t[default: 64]
                     norm: instance                      \t[default: batch]
                  no_flip: True                          \t[default: False]
                    phase: train                         
                pool_size: 0                             
               preprocess: resize_and_crop               
             new_of_2030s: 7                             
----------------- End -------------------
";

#[test]
fn a_listing_becomes_a_recipe() {
    let Translated { recipe, warnings } = translate(LISTED).unwrap();
    let config = Pix2pixConfig { width: 32, norm: NormKind::Instance, ..Pix2pixConfig::default() };
    assert_eq!(recipe.architecture, Architecture::UNet128(config));
    assert_eq!((recipe.discriminator.norm, recipe.discriminator.layers), (NormKind::Instance, 3));
    assert_eq!((recipe.rate, recipe.discriminator_rate, recipe.lambda_l1, recipe.batch), (1e-4, 1e-4, 50.0, 4));
    assert_eq!((recipe.gan, recipe.direction), (GanLoss::Lsgan, Direction::BtoA));
    assert_eq!((recipe.epochs, recipe.epochs_decay), (0, 50));
    assert_eq!((recipe.augment.crop, recipe.augment.load, recipe.augment.flip), (256, 256, 0.0));
    assert_eq!(recipe.schedule, Schedule::Cosine);
    let named: Vec<_> = warnings.iter().map(|line| line.split([' ', ':']).next().unwrap()).collect();
    assert_eq!(named, ["new_of_2030s", "dataroot", "name", "lr_policy"], "{warnings:#?}");
}

#[test]
fn flags_mean_the_same() {
    let bare = translate("--model pix2pix --load_size 256").unwrap();
    let pix2pix = pix2pix().unwrap();
    let augment = super::super::augment::Augment { load: 256, ..pix2pix.augment.clone() };
    assert_eq!((bare.recipe, bare.warnings.len()), (Recipe { augment, ..pix2pix.clone() }, 0));
    let paper = translate("python train.py \\\n --model=pix2pix --no_dropout --gpu_ids -1 --niter 5").unwrap();
    let architecture = Architecture::UNet256(Pix2pixConfig { dropout: 0.0, ..Pix2pixConfig::default() });
    assert_eq!(paper.recipe, Recipe { architecture, epochs: 5, ..pix2pix });
    assert!(paper.warnings.iter().any(|line| line.contains("--device")), "{:?}", paper.warnings);
    let deep =
        translate("torchrun --nproc_per_node=2 train.py --model pix2pix --netD n_layers --n_layers_D 4 --ndf 32");
    let deep = deep.unwrap().recipe.discriminator;
    assert_eq!((deep.layers, deep.width), (4, 32));
    let other = translate(
        "--model pix2pix --netG resnet_6blocks --ngf 32 --norm instance --no_dropout --netD pixel --gan_mode wgangp \
         --pool_size 50 --lr_policy step --lr_decay_iters 7 --preprocess crop --crop_size 64",
    );
    let other = other.unwrap().recipe;
    let sizes = Pix2pixConfig { width: 32, norm: NormKind::Instance, dropout: 0.0, ..Pix2pixConfig::default() };
    assert_eq!(other.architecture, Architecture::ResNet6(sizes));
    assert_eq!((other.discriminator.layers, other.gan, other.pool), (0, GanLoss::WganGp, 50));
    assert_eq!(other.schedule, Schedule::Step { every: 7, factor: 0.1 });
    assert_eq!((other.augment.load, other.augment.crop), (0, 64));
}

#[test]
fn what_cannot_be_followed_is_said() {
    for (text, says) in [
        ("", "no options"),
        ("hello", "\"hello\" is neither"),
        ("model: pix2pix\nhello", "\"hello\" is neither"),
        ("--lr 0.1", "no model"),
        ("--model cycle_gan", "use --model pix2pix"),
        ("--model pix2pix --netG resnet_7blocks", "resnet_9blocks or resnet_6blocks"),
        ("--model pix2pix --netD pixels", "basic, n_layers or pixel"),
        ("--model pix2pix --gan_mode wgangp", "batch norm"),
        ("--model pix2pix --gan_mode lsgann", "vanilla, lsgan or wgangp"),
        ("--model pix2pix --lr_policy never", "linear, step, plateau or cosine"),
        ("--model pix2pix --lr fast", "lr is \"fast\": use a number"),
        ("--model pix2pix --lr -1", "above 0"),
        ("--model pix2pix --lr nan", "above 0"),
        ("--model pix2pix --lr", "lr is \"True\""),
        ("--model pix2pix --batch_size 0", "from 1 on"),
        ("--model pix2pix --n_epochs 5 --niter 6", "n_epochs is \"5\" and niter is \"6\""),
        ("--model pix2pix --n_epochs 0 --n_epochs_decay 0", "epochs"),
        ("--model pix2pix --crop_size 128", "a multiple of 256"),
        ("--model pix2pix --load_size 200", "smaller than crop_size 256"),
        ("--model pix2pix --load_size 9999", "load is"),
        ("--model pix2pix --input_nc 1", "RGB"),
        ("--model pix2pix --dataset_mode unaligned", "use aligned"),
        ("model: pix2pix\nisTrain: False", "train_opt.txt"),
    ] {
        let error = translate(text).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{text}: {error}");
    }
}
