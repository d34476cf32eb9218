//! Hand-written scenes.
