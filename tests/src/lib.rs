//! foldgate-tests.
