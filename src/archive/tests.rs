//! Tests of archives as a whole.
