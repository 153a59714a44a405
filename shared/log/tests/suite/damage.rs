//! Damage to the embedded log's files: an error that says so, or all is there.
//! Never a panic, never silently less.

use std::fs;
use std::path::Path;

use foldgate_log::{Embedded, Error, EventLog, Position, VerifyError};
use foldgate_proto::Revision;
use tempfile::TempDir;

use super::support::{Chain, eventually, filler};

const COUNT: u64 = 120;

/// A closed log with some large records.
async fn written() -> (TempDir, Position) {
    let dir = TempDir::new().unwrap();
    let log = Embedded::open(dir.path()).await.unwrap();
    let mut chain = Chain::behind(&log).await;
    for number in 0..COUNT {
        let expected = chain.expected();
        let size = if number % 10 == 0 { 20_000 } else { 300 };
        let record = chain.next(filler(size));
        log.append(expected, &[record]).await.unwrap();
    }
    drop(log);
    closed(dir.path()).await;
    (dir, chain.at)
}

/// Waits until the directory can be opened again.
async fn closed(dir: &Path) {
    eventually("the log is closed", || async {
        Embedded::inspect(dir).await.ok().map(drop)
    })
    .await;
    eventually("the inspection is closed", || async {
        let lock = fs::File::open(dir.join("lock")).unwrap();
        lock.try_lock().ok()
    })
    .await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Opens a damaged log. Either it is whole, or the error says what is wrong.
async fn judge(dir: &Path, head: Position) -> Option<Error> {
    let error = match Embedded::open(dir).await {
        Ok(log) => {
            assert_eq!(
                log.head().await.unwrap(),
                head,
                "records were lost in silence"
            );
            assert_eq!(log.verify(&mut |_| ()).await.unwrap(), head);
            return None;
        }
        Err(error) => error,
    };
    assert!(
        matches!(error, Error::Damaged { .. } | Error::Io(_)),
        "damage is reported as {error:?}"
    );
    // What is left may be looked at, and is never called whole.
    if let Ok(log) = Embedded::inspect(dir).await {
        let verified = log.verify(&mut |_| ()).await;
        assert!(
            matches!(verified, Err(VerifyError::Broken(_))),
            "{error}: {verified:?}"
        );
        let mut chain = Chain { at: head };
        let refused = log.append(head.revision, &chain.group(1)).await;
        assert!(refused.is_err());
    }
    Some(error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flipped_bytes_never_go_unnoticed() {
    let (dir, head) = written().await;
    let mut noticed = 0;
    for round in 0..24u64 {
        let damaged = TempDir::new().unwrap();
        copy(dir.path(), damaged.path());
        let file = damaged.path().join("sled/db");
        let mut bytes = fs::read(&file).unwrap();
        // Spread over the part of the file that is in use.
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        let at = used * usize::try_from(round).unwrap() / 24;
        let end = (at + 64).min(bytes.len());
        bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
        fs::write(&file, bytes).unwrap();
        noticed += u32::from(judge(damaged.path(), head).await.is_some());
    }
    assert!(noticed > 0, "no damage was noticed at all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_log_is_never_opened_for_writing() {
    let (dir, head) = written().await;
    let whole = fs::read(dir.path().join("sled/db")).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    for part in 0..8 {
        let damaged = TempDir::new().unwrap();
        copy(dir.path(), damaged.path());
        let file = fs::OpenOptions::new()
            .write(true)
            .open(damaged.path().join("sled/db"))
            .unwrap();
        file.set_len(used * part / 8).unwrap();
        assert!(
            judge(damaged.path(), head).await.is_some(),
            "{part}/8 of it went unnoticed"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_gone_is_not_replaced_by_an_empty_one() {
    let (dir, _) = written().await;
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let error = Embedded::open(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_end_is_named_by_its_revision() {
    let (dir, head) = written().await;
    // An older copy of the store beside a newer witness: what a lost end looks like.
    let newer = TempDir::new().unwrap();
    copy(dir.path(), newer.path());
    let log = Embedded::open(newer.path()).await.unwrap();
    let mut chain = Chain { at: head };
    log.append(head.revision, &chain.group(3)).await.unwrap();
    drop(log);
    closed(newer.path()).await;
    fs::copy(newer.path().join("head"), dir.path().join("head")).unwrap();
    let Some(Error::Damaged { revision, .. }) = judge(dir.path(), chain.at).await else {
        panic!("the lost end went unnoticed");
    };
    assert_eq!(revision, Revision(COUNT + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_opener_is_told_that_the_log_is_in_use() {
    let dir = TempDir::new().unwrap();
    let log = Embedded::open(dir.path()).await.unwrap();
    let error = Embedded::open(dir.path()).await.unwrap_err();
    assert_eq!(error, Error::InUse(dir.path().to_owned()));
    let error = Embedded::inspect(dir.path()).await.unwrap_err();
    assert_eq!(error, Error::InUse(dir.path().to_owned()));
    drop(log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_there_to_inspect_in_an_empty_directory() {
    let dir = TempDir::new().unwrap();
    let error = Embedded::inspect(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Missing(_)), "{error:?}");
}

/// Every file below a folder, with its bytes.
fn contents(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_a_damaged_log_changes_nothing() {
    let (dir, _) = written().await;
    let file = dir.path().join("sled/db");
    let mut bytes = fs::read(&file).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used / 2..used / 2 + 64]
        .iter_mut()
        .for_each(|byte| *byte ^= 0x5a);
    fs::write(&file, bytes).unwrap();
    let before = contents(dir.path());
    let verified = match Embedded::inspect(dir.path()).await {
        Ok(log) => log.verify(&mut |_| ()).await,
        Err(error) => Err(VerifyError::from(error)),
    };
    let Err(VerifyError::Broken(broken)) = verified else {
        panic!("the damage was not found: {verified:?}");
    };
    assert!(!broken.to_string().contains("backtrace"), "{broken}");
    assert!(contents(dir.path()) == before, "the evidence was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_user_may_read_a_log() {
    use std::os::unix::fs::PermissionsExt;
    let place = TempDir::new().unwrap();
    let dir = place.path().join("log");
    let log = Embedded::open(&dir).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for (path, _) in contents(&dir) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let snapshots = place.path().join("snapshots");
    foldgate_log::snapshot::Snapshots::open(&snapshots).unwrap();
    assert_eq!(mode(&snapshots), 0o700);
    drop(log);
}
