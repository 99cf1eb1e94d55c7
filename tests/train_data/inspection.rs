//! What `sakuga-train check` finds.

use super::{drawing, negative, side_by_side, two_folders, write};
use indicatif::ProgressBar;
use sakuga::imaging::Picture;
use sakuga::train::dataset::{Contents, DataError, Inspection, Split, inspect};
use std::path::Path;

fn look_into(dir: &Path, contents: Contents) -> Inspection {
    inspect(dir, contents, &ProgressBar::hidden()).unwrap()
}

/// The one finding that names `file`.
fn finding(inspection: &Inspection, file: &str) -> (String, bool) {
    let mut found = inspection.findings.iter().filter(|finding| finding.text.contains(file));
    let finding = found.next().unwrap_or_else(|| panic!("nothing about {file} in {inspection:#?}"));
    assert!(found.next().is_none(), "{file} more than once in {inspection:#?}");
    (finding.text.clone(), finding.spoils)
}

#[test]
fn sound_data_has_no_findings() {
    let dir = two_folders(3, 20, 10);
    write(&dir.path().join("A/val/x.png"), &drawing(20, 10, 9));
    write(&dir.path().join("B/val/x.jpg"), &drawing(20, 10, 8));
    let inspection = look_into(dir.path(), Contents::Pairs);
    assert_eq!(inspection, Inspection { counts: vec![(Split::Train, 3), (Split::Val, 1)], findings: vec![] });
}

#[test]
fn everything_that_spoils_a_run_is_found_at_once() {
    let dir = two_folders(7, 20, 10);
    let at = |file: &str| dir.path().join(file);
    std::fs::remove_file(at("B/train/00.png")).unwrap();
    write(&at("B/train/lonely.png"), &drawing(20, 10, 0));
    write(&at("B/train/01.png"), &drawing(10, 20, 1));
    let plain = Picture { width: 20, height: 10, rgb: [1, 2, 3].repeat(200), alpha: None };
    write(&at("B/train/02.png"), &plain);
    std::fs::write(at("A/train/03.png"), b"no picture").unwrap();
    // The end of 04 is missing.
    let whole = std::fs::read(at("A/train/04.png")).unwrap();
    std::fs::write(at("A/train/04.png"), &whole[..whole.len() / 2]).unwrap();
    // 05 again: in its own split, and in another.
    for copy in ["train/again", "val/leak"] {
        write(&at(&format!("A/{copy}.png")), &drawing(20, 10, 5));
        write(&at(&format!("B/{copy}.png")), &negative(&drawing(20, 10, 5)));
    }

    let inspection = look_into(dir.path(), Contents::Pairs);
    let spoilt = |file: &str, word: &str| {
        let (text, spoils) = finding(&inspection, file);
        assert!(spoils && text.contains(word), "{text}");
    };
    spoilt("A/train/00.png", "no partner");
    spoilt("B/train/lonely.png", "no partner");
    spoilt("B/train/01.png", "10×20");
    spoilt("02.png", "side B is of one colour");
    spoilt("A/train/03.png", "03.png");
    spoilt("A/train/04.png", "cut off");
    spoilt("A/val/leak.png", "is the same as");
    let (text, spoils) = finding(&inspection, "again.png");
    assert!(
        !spoils && text.contains("is the same as") && text.contains("05.png"),
        "a twin in one split is a note: {text}"
    );
    assert_eq!((inspection.spoiling(), inspection.findings.len()), (7, 8));
    assert_eq!(inspection.counts, [(Split::Train, 7), (Split::Val, 1)]);
}

#[test]
fn side_by_side_pictures_of_odd_width_are_found() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("train/odd.png"), &drawing(21, 10, 0));
    write(&dir.path().join("train/good.png"), &side_by_side(&drawing(20, 10, 0), &drawing(20, 10, 1)));
    std::fs::create_dir(dir.path().join("val")).unwrap();
    let inspection = look_into(dir.path(), Contents::Pairs);
    assert!(finding(&inspection, "odd.png").0.contains("21 pixels wide"));
    assert!(finding(&inspection, "no pairs").1, "an empty split spoils a run");
    assert_eq!(inspection.findings.len(), 2);
}

#[test]
fn photos_alone_are_looked_into_too() {
    let dir = tempfile::tempdir().unwrap();
    let at = |file: &str| dir.path().join(file);
    write(&at("train/a.png"), &drawing(21, 10, 0));
    write(&at("train/grey.png"), &Picture { width: 3, height: 3, rgb: vec![9; 27], alpha: None });
    write(&at("val/b.png"), &drawing(21, 10, 0));
    let inspection = look_into(dir.path(), Contents::Photos);
    assert!(finding(&inspection, "grey.png").0.contains("photo is of one colour"));
    let (text, spoils) = finding(&inspection, "b.png");
    assert!(spoils && text.contains("a.png"), "{text}");
    assert_eq!(inspection.findings.len(), 2);

    let flat = look_into(&dir.path().join("train"), Contents::Photos);
    assert_eq!((flat.counts, flat.findings.len()), (vec![(Split::Train, 2)], 1));
}

#[test]
fn a_folder_without_data_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.png"), &drawing(20, 10, 0));
    let pairs = inspect(dir.path(), Contents::Pairs, &ProgressBar::hidden());
    assert!(matches!(pairs, Err(DataError::NoPairs { .. })));
    let nowhere = inspect(&dir.path().join("no"), Contents::Photos, &ProgressBar::hidden());
    assert!(matches!(nowhere, Err(DataError::Folder { .. })));
}
