//! More work than the queue takes.

use super::harness::{Server, problem};
use super::pictures::png;

#[test]
fn a_full_queue_is_told_at_once_and_the_rest_is_drawn() {
    let server = Server::start(&["--queue", "1"]);
    let photo = png(1000, 1000);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|seed| {
                let (server, photo) = (&server, &photo);
                // Different ones: the same would be drawn once for all.
                scope.spawn(move || server.draw(&format!("?max_side=1000&seed={seed}"), photo))
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let (drawn, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status() == 200);
    assert!(!drawn.is_empty() && !refused.is_empty(), "{} drawn, {} refused", drawn.len(), refused.len());
    for answer in refused {
        let detail = problem(answer, 429);
        assert!(detail.contains("waiting"), "{detail}");
    }
    server.assert_works();
}
