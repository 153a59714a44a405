//! foldgate-bench.
