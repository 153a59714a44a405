//! Caller keys in bulk, the short variant: every row arrives, in groups, on both
//! logs. The figures are printed for whoever reads the run, beside other tests and
//! from a build without optimisation; the bench of this name measures.

use std::io::Write as _;

use foldgate_tests::bulk::{self, Shown};

const ROWS: usize = 2_000;

#[tokio::test]
async fn a_bulk_shares_appends_and_reaches_every_node() {
    for shown in [bulk::standalone(ROWS).await, bulk::fleet(ROWS).await] {
        let Shown {
            group,
            growth,
            text,
        } = shown;
        // Past the capture of what tests print: these lines are to be seen.
        let line = format!("bulk of {ROWS} API keys, {} writers: {text}", bulk::WRITERS);
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        assert!(group > 1.5, "writers that wait together share an append");
        // In processor time, whatever else runs. It would be 3 if a row cost as much as
        // there are rows.
        assert!(growth < 2.0, "a row costs the same however many there are");
    }
}
