//! The tests are in `tests/tests/`; this library is empty.
