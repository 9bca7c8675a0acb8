//! Proof Key for Code Exchange (RFC 7636), method S256, for clients and tests of your own. `plain` is not spoken here.
