//! foldgate-data-plane.
