//! The device's owner: its queue and its worker thread.
