//! Why a store did not do what it was asked.

use std::fmt;

/// The store cannot be used now. For the operator's log: never shown to clients.
#[non_exhaustive]
pub struct StoreError {
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// Something else went wrong first. The cause must not show values of entries.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { cause: cause.into() }
    }
}

impl fmt::Debug for StoreError {
    /// The same as `Display`: this is what a `main` that returns it prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store cannot be used: {}", self.cause)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}
