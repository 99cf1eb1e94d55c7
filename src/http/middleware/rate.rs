//! How often one client may ask for work: so many times a minute, all at once if
//! it likes, and then as they come back, evenly.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::http::Service;
use crate::http::client::{self, Peer};
use crate::http::problem::Problem;

/// After so many requests, clients that have all their turns back are forgotten.
const SWEEP: u32 = 1024;

/// The turns that clients have left.
pub struct Rate {
    a_minute: NonZeroU32,
    clients: DefaultKeyedRateLimiter<IpAddr>,
    asked: AtomicU32,
}

impl Rate {
    /// So many turns a minute for each client.
    pub fn new(a_minute: NonZeroU32) -> Self {
        let clients = DefaultKeyedRateLimiter::keyed(Quota::per_minute(a_minute));
        Self { a_minute, clients, asked: AtomicU32::new(0) }
    }

    /// Takes a turn of `client`.
    ///
    /// # Errors
    /// Where it has none left: when the next one comes.
    fn turn(&self, client: IpAddr) -> Result<(), Duration> {
        if self.asked.fetch_add(1, Relaxed) % SWEEP == SWEEP - 1 {
            self.clients.retain_recent();
        }
        self.clients.check_key(&client).map_err(|wait| wait.wait_time_from(DefaultClock::default().now()))
    }
}

/// Answers 429 to a client that asks too often, before its body is read.
pub async fn rate(State(service): State<Service>, request: Request, next: Next) -> Result<Response, Problem> {
    let counts = request.method() == Method::POST && request.uri().path().starts_with("/v1/");
    if let (Some(rate), true, Some(peer)) = (&service.rate, counts, request.extensions().get::<Peer>()) {
        let client = client::address(*peer, request.headers(), &service.limits.trusted_proxies);
        rate.turn(client::household(client)).map_err(|wait| Problem::too_often(rate.a_minute, wait))?;
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_client_has_its_own_turns_and_those_who_left_are_forgotten() {
        let rate = Rate::new(NonZeroU32::new(2).unwrap());
        let client = |last| IpAddr::from([192, 0, 2, last]);
        assert!(rate.turn(client(1)).is_ok() && rate.turn(client(1)).is_ok());
        let wait = rate.turn(client(1)).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30), "{wait:?}");
        assert!(rate.turn(client(2)).is_ok());
        assert_eq!(rate.clients.len(), 2);
        let quick = Rate::new(NonZeroU32::MAX);
        for number in 0..10 * SWEEP {
            let _ = quick.turn(IpAddr::from(number.to_be_bytes()));
        }
        assert!(quick.clients.len() <= SWEEP as usize, "{}", quick.clients.len());
    }
}
