//! Where an authorization code may be sent. Compared on the exact string, as it was registered; what browsers, servers and
//! parsers could read in two ways is not registered in the first place.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Client;
use crate::auth::{WebUrl, is_loopback_host, split_port};

/// The longest redirect URI, in bytes.
pub(crate) const MAX_BYTES: usize = 512;

/// Schemes that no program can own, or that do something else than to open one.
const NEVER: [&str; 27] = [
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "dns",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "gopher",
    "http",
    "https",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "news",
    "resource",
    "sftp",
    "sms",
    "ssh",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
];

/// Whether this can be the scheme of a program on somebody's machine (RFC 8252 §7.1).
pub(super) fn is_private_scheme(scheme: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    let begins = scheme.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let reserved = NEVER.contains(&scheme) || matches!(scheme, "wss" | "ms-settings" | "search-ms");
    begins && (2..=64).contains(&scheme.len()) && scheme.bytes().all(plain) && !reserved
}

/// Whether this may be registered: https; http on loopback; the schemes that the operator allowed. Says why not, without
/// repeating any of it.
pub(super) fn check(uri: &str, schemes: &[String]) -> Result<(), &'static str> {
    if uri.is_empty() || uri.len() > MAX_BYTES {
        return Err("a redirect URI is empty, or longer than 512 bytes");
    }
    // No backslash, no space, no control, nothing beyond ASCII; and no wildcard, which somebody might take for one.
    if !uri.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}#*".contains(&b)) {
        return Err("a redirect URI has a fragment, a wildcard, or a character that no URI has");
    }
    check_escapes(uri)?;
    let (scheme, rest) = uri.split_once(':').ok_or("a redirect URI is not absolute")?;
    match scheme {
        "https" | "http" => check_web(uri, scheme == "https"),
        other if schemes.iter().any(|scheme| scheme == other) => check_private(rest),
        _ => Err("a redirect URI has a scheme that this server does not allow"),
    }
}

fn check_web(uri: &str, secure: bool) -> Result<(), &'static str> {
    let url = WebUrl::split(uri).ok_or("a redirect URI is not a URL with a host and without a user name")?;
    let (host, port) = split_port(url.authority).ok_or("a redirect URI has no host")?;
    if !is_plain_host(host) {
        return Err("a redirect URI has a host that could be read in two ways");
    }
    if !port.is_none_or(is_plain_port) {
        return Err("a redirect URI has a port that could be read in two ways");
    }
    if !secure && !is_loopback_host(host) {
        return Err("a redirect URI must be https, or http on 127.0.0.1, [::1] or localhost");
    }
    check_path(url.path)
}

/// What comes after the scheme of a program: `//host/path`, or `/path` (RFC 8252 §7.1).
fn check_private(rest: &str) -> Result<(), &'static str> {
    let hierarchical = rest.strip_prefix('/').ok_or("a redirect URI has no path")?;
    let Some(authority) = hierarchical.strip_prefix('/') else { return check_path(before_query(rest)) };
    let end = authority.find(['/', '?']).unwrap_or(authority.len());
    let (host, path) = authority.split_at(end);
    if !is_name(host) {
        return Err("a redirect URI has a host that could be read in two ways");
    }
    check_path(before_query(path))
}

fn before_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

/// Escapes are whole, and hide nothing that is looked for.
fn check_escapes(uri: &str) -> Result<(), &'static str> {
    for (at, _) in uri.match_indices('%') {
        let byte = uri.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = byte.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if byte.is_none_or(|byte| byte.is_ascii_control() || b".\\".contains(&byte)) {
            return Err("a redirect URI has an escape that is broken, or stands for a dot, a backslash or a control");
        }
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("a redirect URI has dot segments");
    }
    // `..;` is a dot segment to some servers.
    if path.split('/').any(|segment| segment.starts_with(".;") || segment.starts_with("..;")) {
        return Err("a redirect URI has dot segments");
    }
    if path.to_ascii_lowercase().contains("%2f") {
        return Err("a redirect URI has an escaped slash in its path");
    }
    Ok(())
}

/// One spelling only: a name in lower case, an IPv4 address in four decimal parts, an IPv6 address in its shortest form.
pub(super) fn is_plain_host(host: &str) -> bool {
    if let Some(v6) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return v6.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() == v6);
    }
    // A last part that is a number makes browsers read all of it as an address: `127.1`, `0x7f.1`, `2130706433`.
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if numeric { host.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == host) } else { is_name(host) }
}

/// Labels of lower-case letters, digits and hyphens; no empty one, so no dot at the end.
fn is_name(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    (1..=253).contains(&host.len()) && host.split('.').all(is_label)
}

fn is_plain_port(port: &str) -> bool {
    port.parse::<u16>().is_ok_and(|number| number != 0 && number.to_string() == port)
}

/// Whether a code for this client may be sent there: exactly what it registered, but for the port of a loopback address
/// (RFC 8252 §7.3), which a program learns only when it starts to listen.
pub(crate) fn is_registered(client: &Client, uri: &str) -> bool {
    client.redirect_uris.iter().any(|registered| registered == uri || is_port_variant(registered, uri))
}

fn is_port_variant(registered: &str, uri: &str) -> bool {
    match (without_port(registered), without_port(uri)) {
        (Some(registered), Some(asked)) => registered == asked,
        _ => false,
    }
}

/// Host and rest of a plain http URI on loopback.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    if uri.len() > MAX_BYTES || check(uri, &[]).is_err() {
        return None;
    }
    let url = WebUrl::split(uri).filter(|url| !url.secure)?;
    let (host, _) = split_port(url.authority).filter(|(host, _)| is_loopback_host(host))?;
    Some((host, &uri[url.origin.len()..]))
}

/// Scheme, host and port; of a program's own scheme, everything before the path.
pub(crate) fn origin_of(uri: &str) -> Option<&str> {
    if let Some(url) = WebUrl::split(uri) {
        return Some(url.origin);
    }
    let (scheme, rest) = uri.split_once(':')?;
    let authority = rest.strip_prefix("//").map_or(0, |rest| 2 + rest.find(['/', '?']).unwrap_or(rest.len()));
    Some(&uri[..scheme.len() + 1 + authority])
}

/// The host, for people; of a program's own scheme what stands in its place, if anything does.
pub(crate) fn host_of(uri: &str) -> Option<&str> {
    if let Some(url) = WebUrl::split(uri) {
        return split_port(url.authority).map(|(host, _)| host);
    }
    let (_, authority) = origin_of(uri)?.split_once("://")?;
    Some(authority).filter(|authority| !authority.is_empty())
}

/// Whether whoever gets the code is a program on the same machine as the browser, and could be any.
pub(crate) fn is_loopback(uri: &str) -> bool {
    WebUrl::split(uri).is_some_and(|url| url.is_loopback())
}
