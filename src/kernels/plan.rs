//! The inference plan's inner loops: fused convolution over channels-last buffers.
//!
//! A layer is an implicit matrix product (Chetlur et al. 2014): rows are output pixels, columns output channels, and
//! what would be the lowered matrix is read where it lies. Scale, shift, residual and rectifier are applied while a
//! tile of sums is still in the cache. Each instruction set brings one [`Kernel`]; all else is shared. In f32, 3×3
//! convolutions take a way with fewer products (`winograd`).

#[cfg(target_arch = "x86_64")]
mod amx;
mod area;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod buffer;
mod in_turn;
mod kernel;
mod layer;
mod normalise;
mod portable;
mod run;
mod vector;
mod weights;
mod windows;
mod winograd;

#[cfg(target_arch = "x86_64")]
pub use amx::Amx;
pub use area::Area;
#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
#[cfg(target_arch = "x86_64")]
pub use avx512_bf16::Avx512Bf16;
pub use buffer::Buffer;
pub use kernel::{Kernel, LANES, Value};
pub(super) use kernel::{MAX_ROWS, Strand, Sums, VECTORS};
pub use layer::{Input, Layer, Phase, Source, Tap};
pub use normalise::normalise;
pub use portable::Portable;
pub(super) use run::Work;
pub use run::{Residual, convolve};
pub(super) use vector::Vector;
pub(super) use windows::tiles;

/// The instruction sets that a plan can be built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// Whatever the compiler's target has.
    Portable,
    /// AVX2 and FMA, f32.
    Avx2,
    /// AVX-512, f32.
    Avx512,
    /// AVX-512 with bf16 dot products, summed in f32.
    Avx512Bf16,
    /// AMX with bf16 dot products, summed in f32.
    Amx,
}

impl Instructions {
    /// From the slowest to the fastest.
    pub const ALL: [Self; 5] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Bf16, Self::Amx];

    /// Whether this machine has them.
    pub fn available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Portable => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            Self::Avx512Bf16 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512bf16")
            }
            Self::Amx => Self::Avx512Bf16.available() && super::amx::available(),
        }
        #[cfg(not(target_arch = "x86_64"))]
        matches!(self, Self::Portable)
    }

    /// Whether they draw faster than those before them: by AVX-512, AMD's processors multiply bf16 twice as fast as f32,
    /// but Intel's half as fast.
    pub fn pay(self) -> bool {
        self != Self::Avx512Bf16 || amd()
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Bf16 => "avx512-bf16",
            Self::Amx => "amx-bf16",
        }
    }

    /// Whether sums are of products of bf16 numbers.
    pub fn bf16(self) -> bool {
        matches!(self, Self::Avx512Bf16 | Self::Amx)
    }
}

/// Whether the processor is AMD's.
fn amd() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        // Leaf 0 spells the maker's name in three registers.
        let leaf = std::arch::x86_64::__cpuid(0);
        [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes).concat() == *b"AuthenticAMD"
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}
