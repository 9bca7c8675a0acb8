//! Where the server is, and who stands before it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use super::{
    error::Problems,
    values::{Values, unread},
};
use crate::{auth::PublicUrl, http::HttpSettings};

/// Where a server listens that is not told where.
pub(crate) const DEFAULT_BIND: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);

pub(super) fn bind(values: &Values, problems: &mut Problems) -> SocketAddr {
    let Some(text) = values.get("MCP_BIND") else { return DEFAULT_BIND };
    let read = text
        .parse()
        .map_err(|_| "is not an address with a port: write `127.0.0.1:8000`, `0.0.0.0:8000` or `[::]:8000`");
    problems.keep("MCP_BIND", read).unwrap_or(DEFAULT_BIND)
}

/// What the environment says, if it does.
pub(super) fn public_url(values: &Values, problems: &mut Problems) -> Option<PublicUrl> {
    let text = values.get("MCP_PUBLIC_URL")?;
    let shown = format!("public_url `{}` ", text.escape_debug());
    // The text stays out: it may be a URL with a password.
    let read = PublicUrl::parse(text).map_err(|problem| problem.replace(&shown, ""));
    problems.keep("MCP_PUBLIC_URL", read)
}

/// Where clients reach a server on this machine that nobody gave another address.
pub(super) fn local_url(bind: SocketAddr, is_tls: bool) -> Option<String> {
    let scheme = if is_tls { "https" } else { "http" };
    // Of the addresses of this machine, these two are written in a way that everybody knows.
    let is_plain = bind.ip() == Ipv4Addr::LOCALHOST || bind.ip() == std::net::Ipv6Addr::LOCALHOST;
    (is_plain && bind.port() != 0).then(|| format!("{scheme}://{bind}/mcp"))
}

/// The proxies that are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proxies {
    Networks(Vec<String>),
    Hops(usize),
}

impl Proxies {
    pub(super) fn apply(&self, http: HttpSettings) -> HttpSettings {
        match self {
            Self::Networks(networks) => http.trusted_proxies(networks),
            Self::Hops(hops) => http.trusted_proxy_hops(*hops),
        }
    }
}

pub(super) fn proxies(values: &Values, problems: &mut Problems) -> Option<Proxies> {
    let text = values.get("MCP_TRUSTED_PROXIES")?;
    problems.keep("MCP_TRUSTED_PROXIES", read_proxies(text))
}

fn read_proxies(text: &str) -> Result<Proxies, String> {
    let proxies = match text.strip_prefix("hops:") {
        Some(hops) => Proxies::Hops(hops.parse().unwrap_or(0)),
        None => Proxies::Networks(text.split(',').map(|network| network.trim().to_owned()).collect()),
    };
    let wrong = proxies.apply(HttpSettings::default()).problems();
    match (wrong.is_empty(), &proxies) {
        (true, _) => Ok(proxies),
        (false, Proxies::Hops(_)) => Err("counts proxies as `hops:` and a number from 1 to 32".to_owned()),
        (false, Proxies::Networks(_)) => {
            Err(format!("is a list with commas, and not all of it can be used: {}", wrong.join("; ")))
        }
    }
}

/// Certificate and key.
pub(super) fn tls(values: &Values, problems: &mut Problems) -> Option<(PathBuf, PathBuf)> {
    const NAMES: [&str; 2] = ["MCP_TLS_CERT", "MCP_TLS_KEY"];
    let [cert, key] = NAMES.map(|name| values.get(name));
    for (name, path) in NAMES.into_iter().zip([cert, key]) {
        problems.keep(name, path.map_or(Ok(()), is_file));
    }
    match NAMES.map(|name| values.has(name)) {
        [true, false] => {
            problems.add("`MCP_TLS_KEY` is missing: `MCP_TLS_CERT` needs the private key that belongs to it");
        }
        [false, true] => {
            problems.add("`MCP_TLS_CERT` is missing: `MCP_TLS_KEY` needs the certificate that belongs to it");
        }
        _ => {}
    }
    Some((cert?.into(), key?.into()))
}

fn is_file(path: &str) -> Result<(), String> {
    let found = std::fs::metadata(path).map_err(|error| unread(&error))?;
    if found.is_dir() { Err("names a folder: name the file".to_owned()) } else { Ok(()) }
}
