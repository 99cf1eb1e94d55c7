//! What the most trusted servers of this kind promise, each with its number and
//! its test, through the real service.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use image::{DynamicImage, GrayImage, ImageFormat, RgbaImage};
use reqwest::blocking::multipart::{Form, Part};

use super::harness::{Server, problem, read_all, wait_until};
use super::pictures::{decoded, encoded, jpeg, png, png_that_claims};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/pictures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A clear picture of `side`² pixels: many more bytes decoded than encoded.
fn bomb(side: u32) -> Vec<u8> {
    encoded(RgbaImage::new(side, side), ImageFormat::Png)
}

#[test]
fn promise_01_pixels_over_the_limit_are_refused_before_decoding() {
    let server = Server::start(&[]);
    // 50.01 megapixels by the header, and one in the file.
    let detail = problem(server.draw("", &png_that_claims(7072, 7072)), 422);
    assert!(detail.contains("the limit is 50 megapixels"), "{detail}");
    server.assert_works();
}

#[test]
fn promise_02_memory_is_bounded_whatever_is_decoded() {
    let server = Server::start(&[]);
    let photo = bomb(7000);
    assert!(photo.len() < 2_000_000, "{}", photo.len());
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (server, photo) = (&server, &photo);
            scope.spawn(move || {
                let status = server.draw(&format!("?seed={seed}"), photo).status().as_u16();
                // Who finds no room within the time is told to come again.
                assert!([200, 429].contains(&status), "{status}");
            });
        }
    });
    let peak = server.memory("VmHWM");
    assert!(peak < 2 << 30, "{} MiB", peak >> 20);
    server.assert_works();
}

#[test]
fn promise_03_only_the_first_frame_of_an_animation_is_drawn() {
    let server = Server::start(&[]);
    for name in ["animated.gif", "animated.webp", "animated.png"] {
        let photo = file(name);
        let drawn = server.draw("?format=png&strength=0", &photo).bytes().unwrap();
        assert!(!drawn.windows(4).any(|kind| kind == b"acTL"), "{name}: a still picture");
        let first = image::load_from_memory(&photo).unwrap();
        assert_eq!(decoded(&drawn).0.to_rgba8(), first.to_rgba8(), "{name}");
    }
}

#[test]
fn promise_04_a_bad_picture_is_422_and_tells_nothing_of_the_inside() {
    let server = Server::start(&[]);
    let (whole_jpeg, whole_png) = (jpeg(60, 40), png(60, 40));
    let mut flipped = whole_png.clone();
    flipped[50] ^= 0xFF;
    for bad in [&whole_jpeg[..whole_jpeg.len() / 2], &whole_png[..whole_png.len() - 20], &flipped] {
        let detail = problem(server.draw("", bad), 422);
        for inner in ["src/", ".rs", "panic", "unwrap", "zune", "0x", "thread"] {
            assert!(!detail.contains(inner), "{detail}");
        }
    }
    server.assert_works();
}

#[test]
fn promise_05_no_client_takes_longer_than_its_limits() {
    let help = Command::new(env!("CARGO_BIN_EXE_sakuga")).args(["serve", "--help"]).env_clear().output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (flag, default) in [
        ("--header-timeout", "[default: 10]"),
        ("--body-timeout", "[default: 10]"),
        ("--shutdown-timeout", "[default: 20]"),
        ("--max-connections", "[default: 1024]"),
    ] {
        let said = help.split(flag).nth(1).and_then(|rest| rest.split("\n      --").next());
        assert!(said.is_some_and(|said| said.contains(default)), "{flag}: {said:?}");
    }
    let mut server = Server::start(&["--header-timeout", "0.4", "--body-timeout", "0.4", "--shutdown-timeout", "1.5"]);
    assert_eq!(read_all(server.connect()), "", "an idle connection is closed");
    let mut stream = server.connect();
    stream.write_all(b"POST /v1/stylize HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf").unwrap();
    assert!(read_all(stream).starts_with("HTTP/1.1 408 "));
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn promise_06_overload_is_told_at_once_with_a_time_to_come_again() {
    let server = Server::start(&["--queue", "1"]);
    let photo = png(1000, 1000);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = |seed: usize| {
            let (server, photo) = (&server, &photo);
            scope.spawn(move || server.draw(&format!("?max_side=1000&seed={seed}"), photo))
        };
        let clients: Vec<_> = (0..8).map(ask).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(answers.iter().any(|answer| answer.status() == 200));
    let refused: Vec<_> = answers.into_iter().filter(|answer| answer.status() != 200).collect();
    assert!(!refused.is_empty());
    for answer in refused {
        // `Retry-After` is among what is asserted of a problem.
        problem(answer, 429);
    }
}

#[test]
fn promise_07_the_limit_on_bytes_is_stated_where_it_is_met() {
    let server = Server::start(&[]);
    let detail = problem(server.draw("", &vec![0; 20_000_001]), 413);
    assert!(detail.contains("20 MB"), "{detail}");
    server.assert_works();
}

#[test]
fn promise_08_slow_or_countless_headers_and_slow_bodies_are_cut() {
    let server = Server::start(&["--header-timeout", "0.4", "--body-timeout", "0.4"]);
    for (begun, status) in [
        ("GET /livez HTTP/1.1\r\nHo", 408),
        ("POST /v1/stylize HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", 408),
        (&format!("GET /livez HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(150)), 431),
        (&format!("GET /livez HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "b".repeat(200_000)), 431),
    ] {
        let mut stream = server.connect();
        // It may be cut before all of it is sent.
        let _ = stream.write_all(begun.as_bytes());
        let answer = read_all(stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    server.assert_works();
}

#[test]
fn promise_09_sigterm_fails_readiness_first_and_work_in_flight_finishes() {
    let mut server = Server::start(&["--shutdown-delay", "1"]);
    let photo = jpeg(40, 40);
    let mut stream = server.begin(photo.len());
    server.signal("TERM");
    wait_until(|| server.get_raw("/readyz").starts_with("HTTP/1.1 503 "));
    assert!(server.get_raw("/livez").starts_with("HTTP/1.1 200 "));
    stream.write_all(&photo).unwrap();
    let answer = read_all(stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn promise_10_the_probes_answer_while_the_queue_is_full() {
    let server = Server::start(&["--queue", "1"]);
    let photo = png(1400, 1400);
    let refused = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|seed| {
                let (server, photo, refused) = (&server, &photo, &refused);
                scope.spawn(move || {
                    if server.draw(&format!("?max_side=1400&seed={seed}"), photo).status() == 429 {
                        refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                })
            })
            .collect();
        while clients.iter().any(|client| !client.is_finished()) {
            for probe in ["/livez", "/readyz", "/v2/health/live", "/v2/health/ready"] {
                assert_eq!(server.get(probe).status(), 200, "{probe}");
            }
        }
    });
    assert!(refused.into_inner() > 0, "the queue was full");
}

#[test]
fn promise_11_bytes_count_and_names_do_not() {
    let server = Server::start(&[]);
    let hidden = b"<?php system($_GET['x']); ?>";
    let photo = [&jpeg(30, 20)[..], hidden].concat();
    let part = Part::bytes(photo).file_name("../../evil.php").mime_str("text/html").unwrap();
    let answer = server.stylize("").multipart(Form::new().part("image", part)).send().unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &"image/jpeg".parse().unwrap()));
    assert!(!format!("{:?}", answer.headers()).contains("evil"));
    let drawn = answer.bytes().unwrap();
    assert!(!drawn.windows(hidden.len()).any(|bytes| bytes == hidden), "the picture is written anew");
    let page = Part::bytes(&b"<html></html>"[..]).file_name("photo.png").mime_str("image/png").unwrap();
    problem(server.stylize("").multipart(Form::new().part("image", page)).send().unwrap(), 415);
}

#[test]
fn promise_12_texts_in_a_picture_cost_no_memory() {
    let server = Server::start(&[]);
    let mut photo = png(64, 64);
    // 64 MB of zeros as zlib writes them: the data of a black picture.
    let black = encoded(DynamicImage::from(GrayImage::new(8000, 8000)), ImageFormat::Png);
    let data = black.windows(4).position(|kind| kind == b"IDAT").unwrap();
    let length = u32::from_be_bytes(black[data - 4..data].try_into().unwrap()) as usize;
    let text = [b"zTXtComment\0\0", &black[data + 4..data + 4 + length]].concat();
    let chunk = [&(text.len() as u32 - 4).to_be_bytes(), &text[..], &crc32fast::hash(&text).to_be_bytes()].concat();
    photo.splice(33..33, chunk.repeat(16));
    server.assert_works();
    let before = server.memory("VmHWM");
    let answer = server.draw("?strength=0", &photo);
    assert_eq!(answer.status(), 200);
    assert_eq!(decoded(&answer.bytes().unwrap()).0.to_rgb8(), decoded(&png(64, 64)).0.to_rgb8());
    let grown = server.memory("VmHWM") - before;
    assert!(grown < 64 << 20, "{} MiB for texts of a gigabyte", grown >> 20);
}

#[test]
fn promise_13_memory_comes_back_after_a_burst() {
    let server = Server::start(&[]);
    let photo = bomb(3000);
    let burst = |round: usize| {
        std::thread::scope(|scope| {
            for client in 0..6 {
                let (server, photo) = (&server, &photo);
                scope.spawn(move || {
                    server.draw(&format!("?seed={}", 10 * round + client), photo);
                    server.draw("", &photo[..photo.len() / 2]);
                });
            }
        });
        std::thread::sleep(Duration::from_millis(500));
    };
    burst(0);
    let level = server.memory("VmRSS");
    (1..4).for_each(burst);
    wait_until(|| server.memory("VmRSS") < level + (64 << 20));
}
