//! Clients that ask for one drawing after the other, and count how it went.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use reqwest::blocking::{Client, multipart};

use super::fleet::{PATIENCE, wait_until};

/// Clients at once.
pub const CLIENTS: u64 = 4;

#[derive(Default)]
struct Count {
    stop: AtomicBool,
    asked: AtomicU64,
    drawn: AtomicU64,
    failed: std::sync::Mutex<Vec<String>>,
}

/// Steady load, until it is dropped or ended.
pub struct Load {
    count: Arc<Count>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(url: &str, photo: &'static [u8]) -> Self {
        let count = Arc::new(Count::default());
        let client = |_| {
            let (count, url) = (count.clone(), format!("{url}/v1/stylize"));
            std::thread::spawn(move || ask(&count, &url, photo))
        };
        Self { clients: (0..CLIENTS).map(client).collect(), count }
    }

    pub fn drawn(&self) -> u64 {
        self.count.drawn.load(Relaxed)
    }

    /// Why the requests failed that did.
    pub fn failed(&self) -> Vec<String> {
        self.count.failed.lock().unwrap().clone()
    }

    /// Waits until so many more are drawn.
    pub fn go_on(&self, more: u64) {
        let goal = self.drawn() + more;
        wait_until("the load goes on", || self.drawn() >= goal);
    }

    /// Stops the clients; returns how many requests were drawn.
    pub fn end(mut self) -> u64 {
        self.count.stop.store(true, Relaxed);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
        self.drawn()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.count.stop.store(true, Relaxed);
    }
}

fn ask(count: &Count, url: &str, photo: &'static [u8]) {
    let client = Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
    while !count.stop.load(Relaxed) {
        // A quality of its own for each: equal requests would be drawn once.
        let turn = count.asked.fetch_add(1, Relaxed);
        let part = multipart::Part::bytes(photo).file_name("photo.jpg");
        let form = multipart::Form::new()
            .text("quality", (turn % 90 + 10).to_string())
            .text("seed", turn.to_string())
            .part("image", part);
        let answer = client.post(url).multipart(form).send().and_then(|answer| {
            let status = answer.status();
            answer.bytes().map(|body| (status, body))
        });
        match answer {
            Ok((status, body)) if status == 200 && body.starts_with(&[0xff, 0xd8]) => {
                count.drawn.fetch_add(1, Relaxed);
            }
            Ok((status, body)) => {
                let words = format!("{status}: {}", String::from_utf8_lossy(&body));
                count.failed.lock().unwrap().push(words);
            }
            Err(error) => count.failed.lock().unwrap().push(format!("{error:?}")),
        }
    }
}
