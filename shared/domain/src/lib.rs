//! foldgate-domain.
