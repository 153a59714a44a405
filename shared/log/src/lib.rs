//! foldgate-log.
