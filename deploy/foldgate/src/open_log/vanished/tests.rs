//! A log that is not where it was.

use super::*;

#[test]
fn a_log_that_vanished_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    check(&data).unwrap();
    data.write(OWNER_KEY_FILE, b"a key").unwrap();
    assert!(check(&data).is_err());
    std::fs::create_dir(data.file(LOG_FOLDER)).unwrap();
    check(&data).unwrap();
}
