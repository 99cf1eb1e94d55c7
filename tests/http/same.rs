//! Who asks for the same.

use std::io::Write;

use super::harness::{Server, read_all, wait_until};
use super::pictures::{jpeg, noise, png};

fn drawn(server: &Server) -> u64 {
    let text = server.get("/metrics").text().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("sakuga_pictures_total{model=\"anime\"} "));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn what_is_asked_for_by_many_at_once_is_drawn_once() {
    let server = Server::start(&["--queue", "2"]);
    // Busy for a while, so that all who ask meet in the queue.
    let long = noise(1600, 1200);
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| server.draw("?max_side=1600", &long).status());
        wait_until(|| server.get("/metrics").text().unwrap().contains("sakuga_requests_in_flight 2"));
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(|| server.draw("?strength=0.9", &png(50, 40)))).collect();
        let answers: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        // More than the queue holds: they share one place.
        assert!(answers.iter().all(|answer| answer.status() == 200));
        let pictures: Vec<_> = answers.into_iter().map(|answer| answer.bytes().unwrap()).collect();
        assert!(pictures.iter().all(|picture| *picture == pictures[0]));
        assert_eq!(busy.join().unwrap(), 200);
    });
    assert!(drawn(&server) < 9, "{} were drawn", drawn(&server));
}

#[test]
fn who_goes_does_not_take_the_others_along() {
    let server = Server::start(&[]);
    let photo = noise(600, 400);
    let head = format!(
        "POST /v1/stylize?max_side=600 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        photo.len()
    );
    let ask = || {
        let mut stream = server.connect();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&photo).unwrap();
        stream
    };
    let (first, second) = (ask(), ask());
    drop(first);
    let answer = read_all(second);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{}", &answer[..answer.len().min(300)]);
}

#[test]
fn a_picture_has_a_tag_that_saves_asking_again() {
    let server = Server::start(&[]);
    let photo = jpeg(40, 30);
    let first = server.draw("?seed=1", &photo);
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers()["cache-control"], "no-store");
    let again = server.stylize("?seed=1").header("if-none-match", &tag).body(photo.clone()).send().unwrap();
    assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (304, &*tag));
    assert!(again.bytes().unwrap().is_empty());
    for (query, photo) in [("?seed=2", &photo), ("?seed=1&format=png", &photo), ("?seed=1", &jpeg(40, 31))] {
        let other = server.stylize(query).header("if-none-match", &tag).body(photo.clone()).send().unwrap();
        assert_eq!(other.status(), 200, "{query}");
        assert_ne!(other.headers()["etag"].to_str().unwrap(), tag, "{query}");
    }
    assert_eq!(drawn(&server), 4);
}

#[test]
fn the_cache_answers_without_drawing_and_is_bounded() {
    let server = Server::start(&["--cache", "30KB"]);
    let small = png(40, 30);
    let first = server.draw("", &small).bytes().unwrap();
    assert_eq!(server.draw("", &small).bytes().unwrap(), first);
    assert_eq!(drawn(&server), 1);
    // Larger than the cache: drawn each time, and the small one stays.
    let large = noise(120, 120);
    assert_eq!(server.draw("", &large).bytes().unwrap(), server.draw("", &large).bytes().unwrap());
    assert_eq!((drawn(&server), server.draw("", &small).status().as_u16()), (3, 200));
    assert_eq!(drawn(&server), 3);
    // Others push it out.
    for seed in 0..40 {
        assert_eq!(server.draw(&format!("?seed={seed}"), &noise(24, 24)).status(), 200);
    }
    let before = drawn(&server);
    assert_eq!(server.draw("", &small).bytes().unwrap(), first);
    assert_eq!(drawn(&server), before + 1);
}
