//! The directory's privacy, its lock, and what it keeps.

use std::os::unix::fs::PermissionsExt;

use secrecy::ExposeSecret;

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn it_is_private_and_so_are_its_files() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("deep/data");
    let dir = DataDir::open(&path).unwrap();
    dir.write("owner.key", b"sk-secret\n").unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&dir.file("owner.key")), 0o600);
    dir.write("owner.key", b"sk-other\n").unwrap();
    let read = dir.read("owner.key").unwrap().unwrap();
    assert_eq!(read.expose_secret(), "sk-other\n");
    assert!(dir.read("nothing").unwrap().is_none());
    let names: Vec<_> = std::fs::read_dir(&path).unwrap().collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_second_process_is_kept_out_until_the_first_has_gone() {
    let parent = tempfile::tempdir().unwrap();
    let first = DataDir::open(parent.path()).unwrap();
    assert!(matches!(DataDir::open(parent.path()), Err(Error::InUse(_))));
    drop(first);
    assert!(DataDir::open(parent.path()).is_ok());
}

#[test]
fn a_drawn_name_is_kept_and_a_configured_one_wins() {
    let parent = tempfile::tempdir().unwrap();
    let dir = DataDir::open(parent.path()).unwrap();
    let drawn = dir.node_name(None).unwrap();
    assert!(Name::new(&drawn).is_ok(), "{drawn}");
    assert_eq!(dir.node_name(None).unwrap(), drawn);
    let configured = Name::new("east-1").unwrap();
    assert_eq!(dir.node_name(Some(&configured)).unwrap(), "east-1");
    assert_eq!(dir.node_name(None).unwrap(), drawn);
    dir.write("node", b"not a name\n").unwrap();
    assert!(matches!(dir.node_name(None), Err(Error::Damaged { .. })));
}

#[test]
fn listeners_are_told_and_taken_away() {
    let parent = tempfile::tempdir().unwrap();
    let dir = DataDir::open(parent.path()).unwrap();
    dir.write_listeners(&Listeners {
        proxy: Some(([127, 0, 0, 1], 1234).into()),
        admin: None,
        status: Some(([127, 0, 0, 1], 9).into()),
    })
    .unwrap();
    let text = std::fs::read_to_string(dir.file("listeners.json")).unwrap();
    assert_eq!(
        text,
        "{\"proxy\":\"127.0.0.1:1234\",\"status\":\"127.0.0.1:9\"}\n"
    );
    dir.remove_listeners().unwrap();
    dir.remove_listeners().unwrap();
    assert!(!dir.file("listeners.json").exists());
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = DataDir::open(parent.path()).unwrap();
    dir.write("big", &vec![b'x'; 64 * 1024 + 1]).unwrap();
    assert!(matches!(dir.read("big"), Err(Error::Damaged { .. })));
    dir.write("fits", &vec![b'x'; 64 * 1024]).unwrap();
    assert!(dir.read("fits").unwrap().is_some());
}
