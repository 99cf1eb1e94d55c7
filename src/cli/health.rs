//! `sakuga health`: asks a running service whether it is ready.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

/// The most of an answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// Flags of `sakuga health`.
#[derive(Args, Clone, Debug)]
pub struct HealthArgs {
    /// Address of the service; one that means every network is asked here
    #[arg(long, env = "SAKUGA_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port of the service
    #[arg(long, env = "SAKUGA_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// Asks `/readyz`: success where it says 200.
///
/// # Errors
/// Where the service is not ready or does not answer; says which.
pub fn run(args: HealthArgs) -> anyhow::Result<()> {
    let address = SocketAddr::new(reachable(args.host), args.port);
    let timeout = Duration::from_secs(args.timeout);
    let answer = ask(address, timeout).with_context(|| format!("no answer from http://{address}/readyz"))?;
    match status(&answer) {
        Some(200) => Ok(writeln!(std::io::stdout(), "ready")?),
        Some(status) => bail!("http://{address} is not ready (it answers {status}); its log tells why"),
        None => bail!("what listens on {address} does not speak HTTP"),
    }
}

/// The service may listen everywhere, but can only be asked somewhere.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

fn ask(address: SocketAddr, timeout: Duration) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(answer)
}

/// The status of an HTTP/1 answer.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_or_is_no_http() {
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 503 Service Unavailable\r\nA: b\r\n\r\n{}"), Some(503));
        assert_eq!(status(b"SSH-2.0-OpenSSH\r\n"), None);
        assert_eq!(status(b""), None);
        assert_eq!(status(b"HTTP/1.1 \xff"), None);
    }

    #[test]
    fn every_network_is_asked_here() {
        assert_eq!(reachable(Ipv4Addr::UNSPECIFIED.into()), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(reachable(Ipv6Addr::UNSPECIFIED.into()), IpAddr::from(Ipv6Addr::LOCALHOST));
        let there = IpAddr::from([192, 0, 2, 7]);
        assert_eq!(reachable(there), there);
    }
}
