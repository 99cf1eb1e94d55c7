//! Wrong requests: each has its status and says what to do, and the service
//! goes on.

use std::net::TcpStream;

use reqwest::blocking::multipart::{Form, Part};
use sakuga::imaging::Format;

use super::harness::{Server, form, problem};
use super::pictures::{jpeg, noise, png, png_that_claims};

#[test]
fn wrong_parameters_are_named_with_what_is_allowed() {
    let server = Server::start(&[]);
    for (query, expected) in [
        ("?colour=red", "`colour` is not a parameter; the parameters are `model`, `style`, `strength`, `seed`"),
        ("?strength=2", "`strength` must be a number from 0 to 1"),
        ("?strength=", "`strength`"),
        ("?max_side=0", "`max_side` must be a number from 1 to 16384"),
        ("?max_side=99999", "`max_side`"),
        ("?seed=-1", "`seed`"),
        ("?quality=101", "`quality` must be a number from 1 to 100"),
        ("?size=huge", "`size` must be `original`"),
        ("?format=tiff", "`format` must be `png`, `jpeg` or `webp`"),
        ("?model=nobody", "there is no model `nobody`; the models are `anime`"),
        ("?style=cel:much", "`style` gives `cel` a weight that is no number from 0 on"),
        ("?style=nothing", "`nothing` is not a style of the model `anime`; its styles are `cel`"),
        ("?seed=1&seed=2", "`seed` is given twice"),
    ] {
        let detail = problem(server.draw(query, &jpeg(8, 8)), 400);
        assert!(detail.contains(expected), "{query}: {detail}");
    }
    let detail = problem(server.draw_form(&jpeg(8, 8), &[("strength", "2")]), 400);
    assert!(detail.contains("from 0 to 1"), "{detail}");
    let detail = problem(server.stylize("?seed=1").multipart(form(&jpeg(8, 8), &[("seed", "1")])).send().unwrap(), 400);
    assert!(detail.contains("`seed` is given twice"), "{detail}");
    server.assert_works();
}

#[test]
fn wrong_forms_are_explained() {
    let server = Server::start(&[]);
    let send = |form: Form| server.stylize("").multipart(form).send().unwrap();
    let photo = || Part::bytes(jpeg(8, 8)).file_name("a.jpg");
    let detail = problem(send(Form::new().part("photo", photo())), 400);
    assert!(detail.contains("`photo`") && detail.contains("`image`"), "{detail}");
    let detail = problem(send(Form::new().text("seed", "1")), 400);
    assert!(detail.contains("no field `image`"), "{detail}");
    let detail = problem(send(Form::new().part("image", Part::bytes(vec![]))), 400);
    assert!(detail.contains("no photo"), "{detail}");
    let detail = problem(send(Form::new().part("image", photo()).part("seed", Part::bytes(vec![0xff]))), 400);
    assert!(detail.contains("`seed` is not UTF-8"), "{detail}");
    let boundless = server.stylize("").header("content-type", "multipart/form-data").body("x").send().unwrap();
    assert!(problem(boundless, 400).contains("boundary"));
    server.assert_works();
}

#[test]
fn a_form_that_is_cut_off_is_refused() {
    let server = Server::start(&[]);
    let mut body = b"--XX\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n".to_vec();
    body.extend(jpeg(8, 8));
    let send = |body: Vec<u8>| {
        server.stylize("").header("content-type", "multipart/form-data; boundary=XX").body(body).send().unwrap()
    };
    assert!(problem(send(body.clone()), 400).contains("closing boundary"));
    body.extend(b"\r\n--XX--");
    assert_eq!(send(body).status(), 200);
    let large = format!("--XX\r\nContent-Disposition: form-data; name=\"image\"\r\nX: {}\r\n\r\n", "p".repeat(9000));
    assert!(problem(send(large.into_bytes()), 400).contains("8 KiB"));
    server.assert_works();
}

#[test]
fn what_is_no_photo_is_refused() {
    let server = Server::start(&[]);
    assert!(problem(server.draw("", b""), 400).contains("no photo"));
    for (bytes, status) in [
        (b"plain text that is no picture".to_vec(), 415),
        (b"{\"json\": true}".to_vec(), 415),
        (b"%PDF-1.7\n".to_vec(), 415),
        (jpeg(64, 64)[..200].to_vec(), 422),
        (png(64, 64)[..60].to_vec(), 422),
        (b"\x89PNG\r\n\x1a\nnonsense".to_vec(), 422),
    ] {
        let detail = problem(server.draw("", &bytes), status);
        assert!(detail.len() > 20, "{detail}");
    }
    // The name and the declared type count for nothing, the bytes for all.
    let answer = server.stylize("").header("content-type", "text/plain").body(png(8, 8)).send().unwrap();
    assert_eq!(answer.headers()["content-type"], Format::Png.media_type());
    server.assert_works();
}

#[test]
fn pixels_are_counted_before_they_are_decoded() {
    let server = Server::start(&["--max-pixels", "1000000"]);
    let detail = problem(server.draw("", &png_that_claims(60_000, 60_000)), 422);
    assert!(detail.contains("1 megapixels"), "{detail}");
    let detail = problem(server.draw("", &png(1001, 1000)), 422);
    assert!(detail.contains("1 megapixels"), "{detail}");
    server.assert_works();
}

#[test]
fn a_photo_that_takes_too_long_is_refused() {
    let server = Server::start(&["--decode-timeout", "0.001"]);
    let detail = problem(server.draw("", &noise(2000, 2000)), 422);
    assert!(detail.contains("limit of 0.001 s"), "{detail}");
}

#[test]
fn bytes_are_counted_announced_or_not() {
    let server = Server::start(&["--max-body", "20KB"]);
    let photo = noise(100, 100);
    assert!(photo.len() > 20_000);
    assert!(problem(server.draw("", &photo), 413).contains("20 KB"));
    assert!(problem(server.draw_form(&photo, &[]), 413).contains("20 KB"));
    let chunked = reqwest::blocking::Body::new(std::io::Cursor::new(photo));
    assert!(problem(server.stylize("").body(chunked).send().unwrap(), 413).contains("20 KB"));
    server.assert_works();
}

#[test]
fn a_large_refused_body_does_not_cost_its_answer() {
    let server = Server::start(&["--max-body", "20KB"]);
    // More than any socket buffer holds: the client still writes when refused.
    for body in [vec![0; 8 << 20], vec![0; 30 << 20]] {
        assert!(problem(server.draw("", &body), 413).contains("20 KB"));
    }
    server.assert_works();
}

#[test]
fn unknown_addresses_and_methods_are_problems_too() {
    let server = Server::start(&[]);
    problem(server.get("/nothing"), 404);
    problem(server.get("/v1/nothing"), 404);
    problem(server.get("/../etc/passwd"), 404);
    problem(server.get("/%2e%2e/Cargo.toml"), 404);
    let answer = server.get("/v1/stylize");
    assert_eq!(answer.headers()["allow"], "POST");
    problem(answer, 405);
    let client = reqwest::blocking::Client::new();
    let answer = client.post(server.url("/livez")).send().unwrap();
    assert_eq!(answer.headers()["allow"], "GET,HEAD");
    problem(answer, 405);
    server.assert_works();
}

#[test]
fn a_client_that_goes_in_the_middle_does_no_harm() {
    let server = Server::start(&[]);
    for request in ["POST /v1/stylize HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nhalf", "POST /v1/st", ""] {
        let mut stream: TcpStream = server.connect();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        drop(stream);
    }
    server.assert_works();
}
