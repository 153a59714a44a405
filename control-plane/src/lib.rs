//! foldgate-control-plane.
