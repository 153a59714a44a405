//! A disk that refuses for a while. The limit on the size of files stands in for
//! a full one; it holds for a whole process, so the test runs in one of its own.

use std::process::Command;

use serde_json::Value;

use crate::history_index::{Lasting, appended, is_whole};
use crate::history_world::{OPENAI, all_of};
use crate::node::eventually;

/// Set in the process that has the disk refuse.
const INSIDE: &str = "FOLDGATE_TEST_REFUSING_DISK";

/// Less than the index of this many records takes, and more than opening one does.
const RECORDS: u64 = 6000;
const LIMIT: &str = "1048576";

#[test]
fn a_full_disk_stops_the_history_only_while_it_is_full() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(filled_and_emptied());
        return;
    }
    let name = "history_disk::a_full_disk_stops_the_history_only_while_it_is_full";
    // Ignored, the signal becomes an error of the write, as a full disk is.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{errors}");
    assert!(told.contains("1 passed"), "{told}");
}

/// How large a file of this process may become.
fn allow(bytes: &str) {
    let pid = std::process::id().to_string();
    let limit = format!("--fsize={bytes}:");
    let set = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
    assert!(set.unwrap().success());
}

async fn filled_and_emptied() {
    let mut lasting = Lasting::new().await;
    let node = lasting.start().await;
    node.add_key(1, OPENAI).await;
    let (_, states) = all_of(&node, node.owner).await;
    node.stop().await;
    drop(node);
    let mut state = states.last().unwrap().clone();
    appended(&*lasting.log, &mut state, RECORDS).await;
    lasting.lose_data();

    allow(LIMIT);
    let node = lasting.start().await;
    let refusal: Value = eventually("the disk refuses", async || {
        let answer = node.get("/admin/v1/history").await;
        let told = answer.body.to_string().contains("the disk refused");
        told.then(|| answer.refused(503, "history_not_ready"))
    })
    .await;
    assert!(
        refusal["message"].as_str().unwrap().contains("too large"),
        "{refusal}"
    );
    assert!(!refusal.to_string().contains("Os {"), "{refusal}");

    allow("unlimited");
    is_whole(&node).await;
}
