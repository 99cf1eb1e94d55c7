//! The models anew, by the operator's request or SIGHUP; logged and counted.

use std::io;

use crate::engine::{Engine, EngineError, Reloaded};

/// Reloads the models.
///
/// # Errors
/// The engine's; the old models are at work then.
pub async fn reload(engine: &Engine) -> Result<Reloaded, EngineError> {
    let reloaded = engine.reload().await;
    let outcome = match &reloaded {
        Ok(Reloaded { loaded, kept, removed }) => {
            tracing::info!(?loaded, ?kept, ?removed, "the models were read again");
            "done"
        }
        Err(error) => {
            tracing::error!(%error, "the models were not read again");
            "failed"
        }
    };
    metrics::counter!("sakuga_reloads_total", "outcome" => outcome).increment(1);
    reloaded
}

/// SIGHUP, heard from the moment this is made; never where there is none.
pub struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    /// Starts to listen. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Where the system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    /// Reloads the models at every signal, for ever.
    pub async fn reload(mut self, engine: &Engine) {
        loop {
            #[cfg(unix)]
            let _ = self.signal.recv().await;
            #[cfg(not(unix))]
            std::future::pending::<()>().await;
            // Logged there; the old models are at work.
            let _ = reload(engine).await;
        }
    }
}
