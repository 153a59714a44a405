//! The shared table, within a process and over NATS: only the first of those who saw
//! the same value changes it.

use bytes::Bytes;
use foldgate_log::Board;
use foldgate_log::board::{MAX_VALUE_BYTES, Put};

use super::support::NatsServer;

const KEY: &str = "1.level.2";

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

async fn done(board: &Board, seen: Option<u64>, text: &str) -> u64 {
    match board.put(KEY, seen, bytes(text)).await.expect("written") {
        Put::Done { version } => version,
        Put::Overtaken => panic!("overtaken"),
    }
}

/// What one holds of the table the other sees, and only the first changes it.
async fn only_the_first_changes_it(one: Board, other: Board) {
    assert_eq!(one.all().await.expect("read"), []);
    assert_eq!(one.get(KEY).await.expect("read"), None);
    let first = done(&one, None, "a").await;
    for seen in [None, Some(first + 1)] {
        let late = other.put(KEY, seen, bytes("b")).await.expect("asked");
        assert_eq!(late, Put::Overtaken, "{seen:?}");
    }
    let entry = other.get(KEY).await.expect("read").expect("there");
    assert_eq!((entry.key.as_str(), &entry.value[..]), (KEY, &b"a"[..]));
    assert_eq!(entry.version, first);
    let second = done(&other, Some(first), "c").await;
    assert!(second > first);
    assert_eq!(
        one.put(KEY, Some(first), bytes("d")).await.expect("asked"),
        Put::Overtaken
    );
    let second_key = one.put("1.key.3", None, bytes("e")).await.expect("written");
    assert!(matches!(second_key, Put::Done { .. }));
    let all = one.all().await.expect("read");
    let seen: Vec<(&str, &[u8])> = all
        .iter()
        .map(|entry| (entry.key.as_str(), &entry.value[..]))
        .collect();
    let mut seen = seen;
    seen.sort_unstable();
    assert_eq!(seen, [("1.key.3", &b"e"[..]), (KEY, &b"c"[..])]);
    let large = Bytes::from(vec![0; MAX_VALUE_BYTES + 1]);
    one.put(KEY, Some(second), large)
        .await
        .expect_err("refused");

    // Of many at once, one.
    let racing = (0..20).map(|number| {
        let (board, text) = (
            if number % 2 == 0 { &one } else { &other },
            number.to_string(),
        );
        async move {
            board
                .put(KEY, Some(second), bytes(&text))
                .await
                .expect("asked")
        }
    });
    let results = futures_util::future::join_all(racing).await;
    let won = results.iter().filter(|put| **put != Put::Overtaken).count();
    assert_eq!(won, 1, "{results:?}");
}

#[tokio::test]
async fn within_a_process_and_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("board");
    let board = Board::local(&path).expect("opens");
    only_the_first_changes_it(board.clone(), board.clone()).await;
    let before = board.all().await.expect("read");
    drop(board);
    let board = Board::local(&path).expect("opens again");
    assert_eq!(board.all().await.expect("read"), before);
}

#[tokio::test]
async fn over_nats() {
    let server = NatsServer::start();
    let (one, other) = (server.log().await, server.log().await);
    only_the_first_changes_it(Board::mails(&one), Board::mails(&other)).await;
}

#[tokio::test]
async fn without_nats_it_says_so() {
    let mut server = NatsServer::start();
    let board = Board::mails(&server.log().await);
    done(&board, None, "a").await;
    server.kill();
    board.all().await.expect_err("no connection");
    board
        .put("k", None, bytes("b"))
        .await
        .expect_err("no connection");
}
