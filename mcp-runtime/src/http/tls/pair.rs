//! A certificate with its key, as files hold them.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tokio_rustls::rustls::{
    Error, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject},
    },
};

/// The most that is read of a file; long chains have a few kilobytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Why a certificate cannot be used: what to do about it, and never what is in the files.
#[derive(Debug)]
pub struct TlsError {
    problem: String,
    error: Option<io::Error>,
}

impl TlsError {
    fn new(problem: String) -> Self {
        Self { problem, error: None }
    }

    fn file(what: &str, path: &Path, error: io::Error) -> Self {
        Self { problem: format!("tls: the {what} `{}` cannot be read", path.display()), error: Some(error) }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        self.error.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.as_ref().map(|error| error as _)
    }
}

/// What two files hold, to tell whether it has changed.
pub(crate) type Fingerprint = [u8; 32];

/// A certificate and a key that belong together.
pub(crate) struct Pair {
    fingerprint: Fingerprint,
    /// With its own memory of sessions: who comes back after the certificate was replaced sees the new one.
    config: Arc<ServerConfig>,
}

impl Pair {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain_text = read(certificate, false).map_err(|error| TlsError::file("certificate", certificate, error))?;
        let key_text = read(key, true).map_err(|error| TlsError::file("key", key, error))?;
        let config = config(chain(&chain_text, certificate)?, private_key(&key_text, key)?)
            .map_err(|error| unusable(&error, certificate, key))?;
        Ok(Self { fingerprint: fingerprint(&chain_text, &key_text), config: Arc::new(config) })
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn fingerprint(certificate: &[u8], key: &[u8]) -> Fingerprint {
    let both = Sha256::new().chain_update(Sha256::digest(certificate)).chain_update(Sha256::digest(key));
    both.finalize().into()
}

/// Reads a file, a private one only if nobody else can write it, and nobody but its group can read it.
fn read(path: &Path, private: bool) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    #[cfg(unix)]
    if private && std::os::unix::fs::MetadataExt::mode(&file.metadata()?) & 0o027 != 0 {
        let why = "others can read or write it: `chmod 600` it, and get another key and certificate if they may have";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    #[cfg(not(unix))]
    let _ = private;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

fn chain(text: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    // Its errors may show what is in the file.
    let chain: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(TlsError::new(format!(
            "tls: there is no certificate in `{}`; it holds `-----BEGIN CERTIFICATE-----`, the server's own first",
            path.display()
        ))),
        Err(_) => Err(TlsError::new(format!("tls: the certificate `{}` is not whole, or not PEM", path.display()))),
    }
}

fn private_key(text: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| {
        let path = path.display();
        TlsError::new(match error {
            PemError::NoItemsFound => format!(
                "tls: there is no private key in `{path}`; it holds `-----BEGIN PRIVATE KEY-----`, not an encrypted one"
            ),
            _ => format!("tls: the key `{path}` is not whole, or not PEM"),
        })
    })
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, Error> {
    // Named, because a process may have several providers and then has no default one.
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn unusable(error: &Error, certificate: &Path, key: &Path) -> TlsError {
    let (certificate, key) = (certificate.display(), key.display());
    TlsError::new(match error {
        Error::InconsistentKeys(_) => {
            format!("tls: the key in `{key}` is not that of the first certificate in `{certificate}`")
        }
        Error::InvalidCertificate(_) => format!("tls: the first certificate in `{certificate}` cannot be read"),
        _ => format!(
            "tls: the key in `{key}` cannot be used; RSA with 2048 to 8192 bits, P-256, P-384, P-521 and Ed25519 can"
        ),
    })
}
