//! The one process-wide choice that jsonwebtoken needs.

use std::{fmt, panic, sync::OnceLock};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};

/// Makes sure that signatures can be checked: installs aws-lc as jsonwebtoken's crypto provider, unless the application
/// has chosen another.
///
/// jsonwebtoken 11 panics at the first signature when two providers are compiled in, which one dependency among many
/// can cause, and none was chosen. Keys call this when they are made, so you only need it to be first. May be called
/// any number of times.
///
/// # Errors
/// [`CryptoProviderError`] if another provider is in place that cannot check a signature.
///
/// ```
/// mcp_runtime::auth::install_crypto_provider()?;
/// # Ok::<(), mcp_runtime::auth::CryptoProviderError>(())
/// ```
pub fn install_crypto_provider() -> Result<(), CryptoProviderError> {
    static WORKS: OnceLock<bool> = OnceLock::new();
    let works = *WORKS.get_or_init(|| crypto::aws_lc::DEFAULT_PROVIDER.install_default().is_ok() || other_works());
    if works { Ok(()) } else { Err(CryptoProviderError(())) }
}

/// Tries the provider that was there before us: it may be the dummy that jsonwebtoken falls back to, which panics.
fn other_works() -> bool {
    let tried = panic::catch_unwind(|| {
        let secret = [7; 32];
        let signature = crypto::sign(b"message", &EncodingKey::from_secret(&secret), Algorithm::HS256).ok()?;
        let key = DecodingKey::from_secret(&secret);
        let good = crypto::verify(&signature, b"message", &key, Algorithm::HS256).ok()?;
        let bad = crypto::verify(&signature, b"massage", &key, Algorithm::HS256).ok()?;
        Some(good && !bad)
    });
    tried.is_ok_and(|works| works == Some(true))
}

/// Something else in this process chose a crypto provider for jsonwebtoken that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CryptoProviderError(());

impl fmt::Display for CryptoProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "jsonwebtoken was used before a crypto provider was chosen, and cannot check signatures now: \
             call `mcp_runtime::auth::install_crypto_provider()` first thing in `main`",
        )
    }
}

impl std::error::Error for CryptoProviderError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_works_is_seen_to_work() {
        assert_eq!(install_crypto_provider(), Ok(()));
        assert!(other_works());
    }
}
