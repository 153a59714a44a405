//! Golden files: what stands in `fixtures/dialect` in one dialect, and what every
//! other dialect makes of it, byte for byte. `FOLDGATE_BLESS=1` writes those that
//! are missing.

mod any;
mod golden;
mod weight;
