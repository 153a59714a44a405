//! foldgate.
fn main() {}
