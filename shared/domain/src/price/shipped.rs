//! The table that is shipped with the program; where it is from stands beside it, in
//! `data/prices.NOTICE`.

use std::sync::LazyLock;

use super::rows::Rows;
use crate::pricing;

/// The version of the table. A change of the table raises it: bills name it.
pub const VERSION: u32 = 2;

pub(super) const TEXT: &str = include_str!("../../data/prices.json");

static ROWS: LazyLock<Rows> = LazyLock::new(|| {
    let pricing = pricing::shipped(TEXT).expect("a test reads the table that is shipped");
    Rows::new(pricing)
});

/// The table, compiled when first asked for.
pub(super) fn rows() -> &'static Rows {
    &ROWS
}
