//! What `--at-test` says.

use crate::nn::norm::Statistics;
use clap::ValueEnum;

/// The statistics that batch norm draws with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AtTest {
    /// The ones kept in training, as PyTorch's eval() does
    #[default]
    Running,
    /// Each picture's own, as the paper and pytorch-CycleGAN-and-pix2pix test; dropout then draws by chance, one picture
    /// a seed
    Image,
}

impl From<AtTest> for Statistics {
    fn from(at_test: AtTest) -> Self {
        match at_test {
            AtTest::Running => Self::Running,
            AtTest::Image => Self::Image,
        }
    }
}
