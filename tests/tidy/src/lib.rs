//! foldgate-tidy.
