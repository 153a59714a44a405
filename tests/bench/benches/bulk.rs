//! 10,000 caller keys in a bulk, on both logs: see `foldgate_tests::bulk` for what
//! the figures mean. `tests/bench/run` calls it; a nightly run
//! (`FOLDGATE_BENCH_NIGHTLY=1`) writes 40,000.

use foldgate_tests::bulk;

const ROWS: usize = 10_000;
const NIGHTLY: usize = 40_000;

// One thread: the other processor is the fleet's.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let is_nightly = std::env::var_os("FOLDGATE_BENCH_NIGHTLY").is_some_and(|v| !v.is_empty());
    let rows = if is_nightly { NIGHTLY } else { ROWS };
    let writers = bulk::WRITERS;
    println!("bulk: {writers} writers, {rows} caller keys, processor time to 10 ms");
    println!("\n{}", bulk::standalone(rows).await.text);
    println!("{}", bulk::fleet(rows).await.text);
}
