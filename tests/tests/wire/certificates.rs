//! An authority of our own, the files it writes, and clients that trust it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use mcp_runtime::Tls;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};

pub(crate) const NAME: &str = "mcp.example.com";

/// A certificate with its key, as text.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) der: CertificateDer<'static>,
}

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    folder: PathBuf,
}

impl Drop for Authority {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("mcp-https-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "tests");
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), root, folder }
    }

    pub(crate) fn issue(&self) -> Issued {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
    }

    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// Writes both files as a careful operator does.
    pub(crate) fn install(&self, issued: &Issued) {
        self.install_certificate(&issued.certificate);
        self.install_key(&issued.key);
    }

    pub(crate) fn install_certificate(&self, text: &str) {
        replace(&self.certificate_file(), text);
    }

    pub(crate) fn install_key(&self, text: &str) {
        replace(&self.key_file(), text);
    }

    pub(crate) fn tls(&self) -> Tls {
        Tls::files(self.certificate_file(), self.key_file())
    }

    /// A pair in its files, and the handle to it.
    pub(crate) fn installed(&self) -> (Issued, Tls) {
        let issued = self.issue();
        self.install(&issued);
        (issued, self.tls())
    }

    pub(crate) fn client(&self) -> Client {
        self.client_of(&[&TLS13, &TLS12], &[])
    }

    pub(crate) fn client_of(&self, versions: &[&'static SupportedProtocolVersion], alpn: &[&[u8]]) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Client(TlsConnector::from(Arc::new(config)))
    }
}

/// Moves a whole file into place, which nobody else can read.
fn replace(path: &Path, text: &str) {
    let aside = path.with_extension("new");
    fs::write(&aside, text).unwrap();
    set_mode(&aside, 0o600);
    fs::rename(aside, path).unwrap();
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// Comes back with its sessions, as browsers do.
#[derive(Clone)]
pub(crate) struct Client(TlsConnector);

impl Client {
    pub(crate) async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(NAME).unwrap();
        self.0.connect(name, TcpStream::connect(address).await?).await
    }

    /// The certificate that a new connection is shown.
    pub(crate) async fn shown(&self, address: SocketAddr) -> CertificateDer<'static> {
        shown(&self.connect(address).await.unwrap())
    }
}

pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}
