//! foldgate-runtime.
