//! `sakuga serve`: the HTTP service.

use std::io::Write;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use axum::http::HeaderValue;
use clap::Args;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::logging::LoggingArgs;
use super::runtime::RuntimeArgs;
use crate::engine::{Engine, EngineConfig, Health};
use crate::http::keys::Keys;
use crate::http::limits::{ByteSize, Limits};
use crate::http::reload::Hangups;
use crate::http::shutdown::Signals;
use crate::http::{self, Service};

/// Flags of `sakuga serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Address to listen on; 0.0.0.0 for every network
    #[arg(long, env = "SAKUGA_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 for any free one
    #[arg(long, env = "SAKUGA_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Where the models are and what they run on.
    #[command(flatten)]
    pub runtime: RuntimeArgs,
    /// What requests may take.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// File with the API keys, one a line: `/v1/…` then asks for one; read again when it changes [default: no keys]
    #[arg(long, env = "SAKUGA_API_KEYS", value_name = "FILE")]
    pub api_keys: Option<PathBuf>,
    /// Origin (scheme and host) of a page elsewhere that may call the service; several with commas [default: none]
    #[arg(long, env = "SAKUGA_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<HeaderValue>,
    /// How often the device is proved by a drawing while nobody asks for one
    #[arg(long, env = "SAKUGA_CHECK_INTERVAL", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub check_interval: Duration,
    /// Longest time for one forward pass, of a picture or a tile; a device that takes longer hangs, and the process ends
    #[arg(long, env = "SAKUGA_DEVICE_TIMEOUT", value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub device_timeout: Duration,
    /// Where messages go.
    #[command(flatten)]
    pub logging: LoggingArgs,
}

/// Flags of the service's limits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Largest request body
    #[arg(long, env = "SAKUGA_MAX_BODY", value_name = "SIZE", default_value = "20MB")]
    pub max_body: ByteSize,
    /// Most pixels of a photo, by its header
    #[arg(long, env = "SAKUGA_MAX_PIXELS", value_name = "N", default_value_t = 50_000_000)]
    pub max_pixels: u64,
    /// Most photos in one form; several come back as a zip
    #[arg(long, env = "SAKUGA_MAX_PHOTOS", value_name = "N", default_value_t = 32, value_parser = at_least_one)]
    pub max_photos: usize,
    /// Memory for pictures that are asked for again, such as 256MiB; 0 keeps none
    #[arg(long, env = "SAKUGA_CACHE", value_name = "SIZE", default_value = "0")]
    pub cache: ByteSize,
    /// Most requests for work a minute by one client address; 429 beyond [default: no limit]
    #[arg(long, env = "SAKUGA_RATE_LIMIT", value_name = "N")]
    pub rate_limit: Option<NonZeroU32>,
    /// Proxy, or network of proxies such as 10.0.0.0/8, whose X-Forwarded-For names the client; several with commas
    /// [default: none]
    #[arg(long, env = "SAKUGA_TRUSTED_PROXIES", value_name = "NET", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Most connections at once
    #[arg(long, env = "SAKUGA_MAX_CONNECTIONS", value_name = "N", default_value_t = 1024, value_parser = at_least_one)]
    pub max_connections: usize,
    /// Most pictures that wait to be drawn
    #[arg(long, env = "SAKUGA_QUEUE", value_name = "N", default_value_t = 64, value_parser = at_least_one)]
    pub queue: usize,
    /// Most pixels of the pictures that wait together, as the network sees them; a larger picture waits alone
    #[arg(long, env = "SAKUGA_QUEUE_PIXELS", value_name = "N", default_value_t = 64_000_000)]
    pub queue_pixels: u64,
    /// Memory for the loaded models' weights, MiB as in f32: a model is loaded when it is asked for, and the one
    /// that was not for longest makes room; the default model stays
    #[arg(long, env = "SAKUGA_MODEL_MEMORY", value_name = "MIB", default_value_t = 2048)]
    pub model_memory: u64,
    /// Longest time for a request's headers, and for an idle connection
    #[arg(long, env = "SAKUGA_HEADER_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub header_timeout: Duration,
    /// Longest standstill of a body that is sent or read
    #[arg(long, env = "SAKUGA_BODY_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub body_timeout: Duration,
    /// Longest time for decoding a photo; one that takes longer is refused
    #[arg(long, env = "SAKUGA_DECODE_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub decode_timeout: Duration,
    /// Time after SIGTERM in which `/readyz` says no but work is still taken, so that a balancer can turn away first
    #[arg(long, env = "SAKUGA_SHUTDOWN_DELAY", value_name = "SECONDS", default_value = "0", value_parser = seconds_or_none)]
    pub shutdown_delay: Duration,
    /// Longest time from SIGTERM to the end, the delay included
    #[arg(long, env = "SAKUGA_SHUTDOWN_TIMEOUT", value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub shutdown_timeout: Duration,
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        Limits {
            max_body: self.max_body,
            max_pixels: self.max_pixels,
            max_photos: self.max_photos,
            cache: self.cache,
            rate: self.rate_limit,
            trusted_proxies: self.trusted_proxies.clone(),
            max_connections: self.max_connections,
            header_timeout: self.header_timeout,
            body_timeout: self.body_timeout,
            cors_origins: Vec::new(),
            decode_timeout: self.decode_timeout,
            shutdown_delay: self.shutdown_delay,
            shutdown_timeout: self.shutdown_timeout,
        }
    }
}

fn origin(text: &str) -> Result<HeaderValue, String> {
    let wrong = "an origin is a scheme and a host, such as https://example.org, without a path";
    match text.split_once("://") {
        Some((_, host)) if !host.is_empty() && !host.contains('/') => text.parse().map_err(|_| wrong.to_owned()),
        _ => Err(wrong.to_owned()),
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
    text.parse().ok().or_else(one).ok_or_else(|| "a network is an address such as 10.0.0.1 or 10.0.0.0/8".to_owned())
}

fn seconds_or_none(text: &str) -> Result<Duration, String> {
    if text.parse() == Ok(0.0) { Ok(Duration::ZERO) } else { seconds(text) }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero() && *time <= Duration::from_secs(86_400))
        .ok_or_else(|| "a time is a number of seconds over 0 and up to 86400".to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    // tokio's channels and semaphores hold some more, but nobody needs them.
    text.parse().ok().filter(|n| (1..=1_000_000).contains(n)).ok_or_else(|| "must be from 1 to 1000000".to_owned())
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// Where the address is taken, or the models or the device cannot be had.
pub fn run(args: ServeArgs) -> anyhow::Result<()> {
    let _logging = args.logging.start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(args));
    // Work on the blocking pool whose requester is gone need not be waited for.
    runtime.shutdown_background();
    served
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let hangups = Hangups::listen().context("cannot listen to SIGHUP")?;
    // Bound first, loaded second: the probes answer while the models load.
    let listener = TcpListener::bind((args.host, args.port))
        .await
        .with_context(|| format!("cannot listen on {}:{}; choose another --host or --port", args.host, args.port))?;
    let address = listener.local_addr()?;
    let engine = start(&args)?;
    // A script may wait for this line; whether anybody reads it is no concern.
    let _ = writeln!(std::io::stdout(), "sakuga listens on http://{address}");

    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            signals.next().await;
            stop.cancel();
            signals.next().await;
            tracing::warn!("stopped at once by a second signal");
            std::process::exit(1);
        }
    });
    let limits = Limits { cors_origins: args.cors_origins, ..args.limits.limits() };
    let keys = args
        .api_keys
        .as_deref()
        .map(|file| Keys::open(file).with_context(|| format!("cannot use the API keys in {}", file.display())));
    let keys = keys.transpose()?;
    if let Some(keys) = keys.clone() {
        tokio::spawn(async move { keys.watch().await });
    }
    let service = Service::new(engine.clone(), limits).with_keys(keys);
    tokio::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        async move {
            engine.lost().await;
            stop.cancel();
        }
    });
    tokio::select! {
        stopped = http::serve(listener, service, stop.cancelled_owned()) => tracing::info!(?stopped, "stopped"),
        () = engine.watch(args.check_interval) => anyhow::bail!("the engine has ended"),
        () = hangups.reload(&engine) => {}
        () = forever(engine.guard(args.device_timeout)) => {}
    }
    match engine.health() {
        // Whoever watches the process starts another, on a device that works.
        Health::Lost(reason) => anyhow::bail!("the device is lost ({reason}); start the service anew"),
        _ => Ok(()),
    }
}

/// Work whose end means nothing to who waits beside it.
async fn forever(work: impl Future<Output = ()>) {
    work.await;
    std::future::pending().await
}

fn start(args: &ServeArgs) -> anyhow::Result<Engine> {
    let (config, device) = args.runtime.config()?;
    for broken in config.registry.broken() {
        tracing::warn!(%broken, "a model is left out");
    }
    tracing::info!(device, models = config.registry.cards().count(), "starting");
    Ok(Engine::start(EngineConfig {
        queue: args.limits.queue,
        queue_pixels: args.limits.queue_pixels,
        model_memory: args.limits.model_memory << 20,
        ..config
    })?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn the_flags_say_what_the_limits_say() {
        let flags = Command::parse_from(["serve"]).limits;
        assert_eq!(format!("{:?}", flags.limits()), format!("{:?}", Limits::default()));
    }

    #[test]
    fn nonsense_is_refused() {
        for wrong in [
            ["--max-body", "a lot"],
            ["--max-connections", "0"],
            ["--queue", "-1"],
            ["--body-timeout", "0"],
            ["--body-timeout", "inf"],
            ["--header-timeout", "1e9"],
        ] {
            let [flag, value] = wrong;
            assert!(Command::try_parse_from(["serve", flag, value]).is_err(), "{wrong:?}");
        }
        let half = Command::parse_from(["serve", "--body-timeout", "0.5"]).limits;
        assert_eq!(half.body_timeout, Duration::from_millis(500));
    }
}
