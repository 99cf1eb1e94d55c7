//! Keys that clients must show, from a file of one key a line. The file is read
//! again when it changes; only hashes are kept, and compared in constant time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(2);

const HEADER: HeaderName = HeaderName::from_static("x-api-key");

type Hash = [u8; 32];

/// The keys in force; cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    file: PathBuf,
    hashes: Arc<RwLock<Vec<Hash>>>,
}

impl Keys {
    /// The keys of a file: one a line, without the blanks around it; empty lines
    /// and those that begin with `#` don't count.
    ///
    /// # Errors
    /// Where the file cannot be read or holds no key.
    pub fn open(file: &Path) -> io::Result<Self> {
        Ok(Self { file: file.to_owned(), hashes: Arc::new(RwLock::new(read(file)?)) })
    }

    /// Reads the file again and again. A file that cannot be read, or holds no
    /// key, changes nothing.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let file = self.file.clone();
            match tokio::task::spawn_blocking(move || read(&file)).await {
                Ok(Ok(hashes)) => *self.hashes.write().unwrap_or_else(PoisonError::into_inner) = hashes,
                Ok(Err(error)) => tracing::error!(%error, "the API keys stay as they are"),
                Err(error) => tracing::error!(%error, "the API keys stay as they are"),
            }
        }
    }

    /// Whether the request shows a key: `Authorization: Bearer KEY` or `X-API-Key: KEY`.
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(shown) = shown(headers) else { return false };
        let shown = hash(shown);
        let hashes = self.hashes.read().unwrap_or_else(PoisonError::into_inner);
        // All of them, whatever the first says: the time tells nothing.
        hashes.iter().fold(Choice::from(0), |known, hash| known | hash.ct_eq(&shown)).into()
    }
}

fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
    });
    bearer.or_else(|| headers.get(HEADER).map(|value| value.as_bytes())).map(<[u8]>::trim_ascii)
}

fn read(file: &Path) -> io::Result<Vec<Hash>> {
    let text = std::fs::read_to_string(file)?;
    let keys = text.lines().map(str::trim).filter(|key| !key.is_empty() && !key.starts_with('#'));
    let hashes: Vec<Hash> = keys.map(|key| hash(key.as_bytes())).collect();
    match hashes.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no key; write one a line")),
        false => Ok(hashes),
    }
}

fn hash(key: &[u8]) -> Hash {
    Sha256::digest(key).into()
}
