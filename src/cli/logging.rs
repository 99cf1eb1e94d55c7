//! Where messages go: to stderr, and with the feature `otlp` as spans to a collector.

use std::io::IsTerminal;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

#[cfg(feature = "otlp")]
mod otlp;

/// Flags of logging.
#[derive(Args, Clone, Debug)]
pub struct LoggingArgs {
    /// Least important messages to log: error, warn, info, debug or trace, also by module
    #[arg(long, env = "SAKUGA_LOG", value_name = "LEVEL", default_value = "info")]
    pub log: EnvFilter,
    /// How a message is written
    #[arg(long, env = "SAKUGA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Address of an OpenTelemetry collector, such as http://127.0.0.1:4318, which gets each request as a span (OTLP
    /// over HTTP, without TLS)
    #[cfg(feature = "otlp")]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

/// How a log message is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, for machines
    Json,
}

/// What must be kept for as long as messages are wanted; dropped, it sends what has not been sent yet.
#[must_use]
pub struct Logging {
    #[cfg(feature = "otlp")]
    _spans: Option<otlp::Spans>,
}

impl LoggingArgs {
    /// Sends messages where the flags say, from here on. Not to be called from asynchronous code.
    ///
    /// # Errors
    /// When something else logs already, or the collector's address is none.
    pub fn start(&self) -> anyhow::Result<Logging> {
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match self.log_format {
            LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let messages = tracing_subscriber::registry().with(self.log.clone()).with(lines);
        #[cfg(feature = "otlp")]
        let (messages, logging) = {
            let spans = self.otlp_endpoint.as_deref().map(otlp::Spans::to).transpose()?;
            (messages.with(spans.as_ref().map(otlp::Spans::layer)), Logging { _spans: spans })
        };
        #[cfg(not(feature = "otlp"))]
        let logging = Logging {};
        messages.try_init().context("cannot log")?;
        Ok(logging)
    }
}
