//! Where it all is, and how the authorization server is put together: the part to copy.

use std::{error::Error, net::SocketAddr, path::Path, path::PathBuf, sync::Arc};

use clap::Args;
use examples::notebook;
use mcp_runtime::{
    Server, ServerBuilder,
    oauth::{AuthorizationServer, AuthorizationServerBuilder, LocalUsers, StoreKey},
    store::SqliteStore,
};

const DEFAULT_DATA: &str = "./.quickstart";
const DEFAULT_ADDR: &str = "127.0.0.1:8000";

/// Which deployment is meant.
#[derive(Args)]
pub(crate) struct Place {
    /// Where to listen; tokens are valid for one address only.
    #[arg(long, default_value = DEFAULT_ADDR)]
    pub(crate) addr: SocketAddr,
    /// The https URL of the endpoint, if a TLS proxy stands in front.
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    #[command(flatten)]
    pub(crate) data: Data,
}

/// Which data is meant.
#[derive(Args)]
pub(crate) struct Data {
    /// The directory of `store.db` and `store.key`.
    #[arg(long = "data", default_value = DEFAULT_DATA)]
    dir: PathBuf,
}

impl Place {
    /// The endpoint's URL, which is also the audience of its tokens.
    pub(crate) fn url(&self, addr: SocketAddr) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{addr}/mcp"))
    }

    /// What a command needs to mean this place, listening on this address.
    pub(crate) fn flags(&self, addr: SocketAddr) -> String {
        let mut flags = self.data.flags();
        match &self.public_url {
            Some(url) => flags += &format!(" --public-url {url}"),
            None if addr.to_string() != DEFAULT_ADDR => flags += &format!(" --addr {addr}"),
            None => {}
        }
        flags
    }
}

impl Data {
    /// What a command needs to mean this data.
    pub(crate) fn flags(&self) -> String {
        if self.dir == Path::new(DEFAULT_DATA) { String::new() } else { format!(" --data '{}'", self.dir.display()) }
    }

    /// Opens the store; makes it on first use. Others may have it open, the server for example.
    pub(crate) async fn open(&self) -> Result<Deployment, Box<dyn Error>> {
        let store = Arc::new(SqliteStore::open(self.dir.join("store.db")).await?);
        let users = LocalUsers::in_store(Arc::clone(&store));
        Ok(Deployment { key_file: self.dir.join("store.key"), store, users })
    }
}

/// One SQLite file, and who can log in.
pub(crate) struct Deployment {
    key_file: PathBuf,
    store: Arc<SqliteStore>,
    pub(crate) users: LocalUsers,
}

impl Deployment {
    /// The authorization server of this deployment.
    pub(crate) fn authorization_server(&self) -> Result<AuthorizationServerBuilder, Box<dyn Error>> {
        let key = StoreKey::load_or_create(&self.key_file)
            .map_err(|error| format!("{}: {error}", self.key_file.display()))?;
        let builder = AuthorizationServer::builder(Arc::clone(&self.store), key)
            .login(self.users.clone())
            .default_scopes(["notes:write"])
            // Editors that are called back by `cursor://…` and the like.
            .desktop_redirect_schemes();
        Ok(builder)
    }
}

/// The notebook at this URL.
pub(crate) fn notebook_at(url: &str) -> ServerBuilder {
    notebook::add_to(Server::builder("quickstart", env!("CARGO_PKG_VERSION"))).public_url(url)
}
