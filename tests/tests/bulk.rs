//! Caller keys in bulk on both logs: every row arrives, in groups, at a cost that does
//! not grow. The figures are printed for whoever reads the run. A program of its own,
//! so that no other test runs beside it; the build is without much optimisation, and
//! the bench of this name measures one that is.

use std::io::Write as _;

use foldgate_tests::bulk::{self, Shown, WRITERS};

const ROWS: usize = 10_000;

#[tokio::test]
async fn a_bulk_shares_appends_and_reaches_every_node() {
    for shown in [bulk::standalone(ROWS).await, bulk::fleet(ROWS).await] {
        let Shown {
            group,
            growth,
            text,
        } = shown;
        // Past the capture of what tests print: these lines are to be seen.
        let line = format!("bulk of {ROWS} API keys, {WRITERS} writers: {text}");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        // If none waited for those that come again, it would be a third of them with the
        // embedded log.
        assert!(
            group > 0.4 * f64::from(WRITERS),
            "writers that wait together share an append"
        );
        // In processor time, whatever else runs. It would be 3 if a row cost as much as
        // there are rows.
        assert!(growth < 2.0, "a row costs the same however many there are");
    }
}
