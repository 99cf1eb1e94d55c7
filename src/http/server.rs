//! The accept loop: a cap on connections, a timeout on headers, and a stop that
//! lets requests in flight finish.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use super::client::Peer;
use super::edge::Edge;
use super::middleware::crowd::OverLimit;
use super::router::router;
use super::stall::StallGuard;
use super::{Limits, Service};

/// Connections over the limit that are still told so.
const CROWD: usize = 64;
/// The largest head of a request, in bytes.
pub const MAX_HEAD: usize = 64 << 10;
/// The most headers of a request.
pub const MAX_HEADERS: usize = 100;
/// What the shutdown keeps of its time for ending the process.
const MARGIN: Duration = Duration::from_millis(500);

/// How a server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request in flight was answered.
    Cleanly,
    /// Some were cut off when their time was over.
    InTheMiddle,
}

/// Serves on `listener` until `shutdown` resolves. Then it is unready
/// for the shutdown's delay, still at work; then the engine drains: new work are answered 503, requests in flight finish, and the
/// server ends with the last of them, or when the shutdown's time is over.
pub async fn serve(listener: TcpListener, service: Service, shutdown: impl Future<Output = ()>) -> Stopped {
    let server = Server {
        router: router(service.clone()),
        limits: service.limits.clone(),
        places: Arc::new(Semaphore::new(service.limits.max_connections)),
        crowd: Arc::new(Semaphore::new(CROWD)),
    };
    let requests = GracefulShutdown::new();
    tokio::select! {
        () = server.accept_all(&listener, Some(&requests)) => {}
        () = shutdown => {}
    }
    let stopped = Instant::now();
    service.leave();
    // Balancers hear of it by the probes; what they send until then is drawn.
    let delay = service.limits.shutdown_delay.min(service.limits.shutdown_timeout);
    if !delay.is_zero() {
        tracing::info!(?delay, "unready, and stopping after the delay");
        // It never ends by itself.
        let _ = tokio::time::timeout(delay, server.accept_all(&listener, Some(&requests))).await;
    }
    service.engine.drain();
    let cut = requests.count();
    tracing::info!(connections = cut, "stopping");
    tokio::select! {
        () = server.accept_all(&listener, None) => Stopped::InTheMiddle,
        () = requests.shutdown() => Stopped::Cleanly,
        () = tokio::time::sleep(service.limits.shutdown_timeout.saturating_sub(MARGIN + stopped.elapsed())) => Stopped::InTheMiddle,
    }
}

struct Server {
    router: Router,
    limits: Arc<Limits>,
    places: Arc<Semaphore>,
    crowd: Arc<Semaphore>,
}

impl Server {
    /// Accepts for ever. The connections of a service that stops are not
    /// `watched`: it does not wait for them.
    async fn accept_all(&self, listener: &TcpListener, watched: Option<&GracefulShutdown>) {
        loop {
            let (stream, peer) = accept(listener).await;
            let (place, over_limit) = self.place().await;
            let watcher = watched.map(GracefulShutdown::watcher);
            tokio::spawn(self.connection((stream, peer), over_limit, watcher, place));
        }
    }

    /// A place for a connection; over the limit one in the crowd, waited for.
    async fn place(&self) -> (Option<OwnedSemaphorePermit>, Option<OverLimit>) {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => (Some(place), None),
            Err(_) => {
                let max_connections = self.limits.max_connections;
                (self.crowd.clone().acquire_owned().await.ok(), Some(OverLimit { max_connections }))
            }
        }
    }

    /// Serves one connection to its end.
    fn connection(
        &self,
        (stream, peer): (TcpStream, Peer),
        over_limit: Option<OverLimit>,
        watcher: Option<Watcher>,
        place: Option<OwnedSemaphorePermit>,
    ) -> impl Future<Output = ()> + use<> {
        let router = self.router.clone();
        let header_timeout = self.limits.header_timeout;
        let (stream, remains) = Edge::new(stream);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            if let Some(over_limit) = over_limit {
                request.extensions_mut().insert(over_limit);
            }
            let router = router.clone();
            async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {})) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD)
            .keep_alive(watcher.is_some() && over_limit.is_none())
            .serve_connection(TokioIo::new(StallGuard::new(stream, self.limits.body_timeout)), service);
        async move {
            let _place = place;
            let ended = match watcher {
                Some(watcher) => watcher.watch(connection).await,
                None => connection.await,
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke");
                if error.is_timeout() {
                    remains.too_slow(header_timeout).await;
                }
            }
        }
    }
}

/// The next connection. An error is the peer's, or the system is out of
/// descriptors: then some must close first.
async fn accept(listener: &TcpListener) -> (TcpStream, Peer) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // A picture's last packet should not wait for an acknowledgement.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "no TCP_NODELAY");
                }
                return (stream, Peer(address.ip()));
            }
            Err(error) if is_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

fn is_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
