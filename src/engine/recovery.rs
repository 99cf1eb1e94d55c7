//! After a failure: was it that picture, or is the device gone? A device that
//! fails is unready until a forward pass succeeds again; one that goes on
//! failing is lost.

use std::time::Duration;

use super::health::{Health, Status};

/// How many failed trials in a row make a device lost. A CUDA error, for one,
/// sticks to its process: trying on would never help.
const TRIALS: u32 = 3;

/// Whether the device works by `prove`, a forward pass. Between trials it
/// `rest`s, and `refuse` answers those who wait.
pub(super) fn recover(
    status: &Status,
    rest: Duration,
    mut prove: impl FnMut() -> Result<(), String>,
    mut refuse: impl FnMut(&str),
) -> bool {
    for trial in 1..=TRIALS {
        let Err(reason) = prove() else {
            status.count_proof();
            status.set(Health::Ready);
            return true;
        };
        tracing::error!(reason, trial, "the device fails");
        if trial == TRIALS {
            status.set(Health::Lost(reason));
            break;
        }
        status.set(Health::Failed(reason.clone()));
        refuse(&reason);
        std::thread::sleep(rest);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device that fails these many times; how it is after that, and who was told.
    fn after(failures: u32) -> (Status, bool, Vec<Health>) {
        let (status, mut left, mut seen) = (Status::default(), failures, Vec::new());
        let prove = || match left {
            0 => Ok(()),
            _ => {
                left -= 1;
                Err("an illegal address".to_owned())
            }
        };
        let works = recover(&status, Duration::ZERO, prove, |_| seen.push(status.health()));
        (status, works, seen)
    }

    #[test]
    fn a_device_that_comes_back_is_ready_again_and_was_not_between() {
        let (status, works, seen) = after(TRIALS - 1);
        assert!(works && status.health() == Health::Ready);
        assert!(!seen.is_empty() && seen.iter().all(|health| matches!(health, Health::Failed(_))));
    }

    #[tokio::test]
    async fn a_device_that_goes_on_failing_is_lost() {
        let (status, works, _) = after(u32::MAX);
        assert!(!works);
        assert_eq!(status.lost().await, "an illegal address");
    }
}
