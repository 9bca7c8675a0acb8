//! The life of tokens.
