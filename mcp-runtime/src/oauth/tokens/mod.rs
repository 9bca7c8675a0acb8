//! Codes, grants, refresh tokens and access tokens.
