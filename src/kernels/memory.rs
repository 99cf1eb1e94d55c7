//! What becomes of memory that is given back.

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// mimalloc's option `purge_delay`: milliseconds after which freed memory goes
/// back to the system, −1 for never. The bindings do not name it.
const PURGE_DELAY: mi_option_t = 15;

/// Keeps freed memory for the next step of a training, which asks for the same
/// again: pages that come back from the system are cleared first, which took a
/// quarter of the processor's time in steps of `unet_256`. Where mimalloc is not the allocator nothing changes.
pub fn keep_freed() {
    // SAFETY: mimalloc checks the option's number and stores the value; any
    // thread may do that at any time.
    unsafe { mi_option_set(PURGE_DELAY, -1) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use libmimalloc_sys::mi_option_get;

    #[test]
    fn it_is_the_purge_delay_that_is_set() {
        // SAFETY: as above; it reads.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        // mimalloc 3's default, or what another test has set, tells the option from its neighbours, 0 and 1.
        assert!([1000, -1].contains(&delay()), "{}", delay());
        keep_freed();
        assert_eq!(delay(), -1);
    }
}
