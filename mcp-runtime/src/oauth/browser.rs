//! What ties pages and forms to the browser that they were made for: cookies, form tokens, our own origin, headers.

use std::sync::LazyLock;

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFERRER_POLICY, RETRY_AFTER,
        SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use sha2::{Digest, Sha256};

use super::{
    Core,
    error::{ErrorCode, OAuthError},
    hash::digest,
    pages::layout::STYLE,
    seal::random,
};
use crate::{
    auth::{WebUrl, split_port},
    http::single,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The longest cookie that is looked at.
const MAX_COOKIE_BYTES: usize = 1_024;

/// The cookies that are set, all of them out of reach of scripts and of other sites' forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Who is logged in.
    Session,
    /// Nobody yet: what the form on the login page is tied to.
    Visit,
    /// Somebody logged in here before.
    Device,
}

impl Cookie {
    /// With https the prefix makes browsers accept the cookie from this very host alone. Browsers know no ports in
    /// cookies, so on this machine the port is in the name; likewise a path, where the issuer has one.
    fn name(self, core: &Core) -> String {
        let word = match self {
            Self::Session => "session",
            Self::Visit => "visit",
            Self::Device => "device",
        };
        let Some(url) = WebUrl::split(&core.issuer) else { return format!("__Host-mcp-{word}") };
        let path = if url.path.is_empty() { String::new() } else { format!("-{}", &digest(&[url.path])[..8]) };
        if url.secure {
            return format!("__Host-mcp-{word}{path}");
        }
        let port = split_port(url.authority).and_then(|(_, port)| port).unwrap_or("80");
        format!("mcp-{word}-{port}{path}")
    }

    /// Its value; nothing if there are two of that name, because one of them is not from here.
    pub(crate) fn of<'h>(self, core: &Core, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.name(core);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
        let value = values.next().filter(|value| !value.is_empty() && value.len() <= MAX_COOKIE_BYTES)?;
        values.next().is_none().then_some(value)
    }

    /// Sets it; for `seconds`, or until the browser is closed.
    pub(crate) fn set(self, core: &Core, response: &mut Response, value: &str, seconds: Option<u64>) {
        let secure = if core.issuer.starts_with("https:") { "; Secure" } else { "" };
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        let line = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(core));
        // Names and values are letters, digits and dashes of ours.
        if let Ok(line) = HeaderValue::from_str(&line) {
            response.headers_mut().append(SET_COOKIE, line);
        }
    }

    pub(crate) fn clear(self, core: &Core, response: &mut Response) {
        self.set(core, response, "", Some(0));
    }
}

/// A form's purpose: a token for one is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Login,
    /// On a page of ours for the people of another provider.
    SignIn,
    Consent,
    Logout,
    /// To go to a provider and connect an account there.
    Connect,
}

/// What a form token is good for: in this browser, for this request, for what was shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<'a> {
    pub(crate) purpose: Purpose,
    /// The cookie of the visit, or the name of the session in the store.
    pub(crate) holder: &'a str,
    /// The authorization request, as it was sent.
    pub(crate) query: &'a str,
    /// What else the person saw.
    pub(crate) shown: &'a str,
}

impl Bound<'_> {
    fn parts(&self) -> [&[u8]; 4] {
        let purpose: &[u8] = match self.purpose {
            Purpose::Login => b"login",
            Purpose::SignIn => b"sign-in",
            Purpose::Consent => b"consent",
            Purpose::Logout => b"logout",
            Purpose::Connect => b"connect",
        };
        [purpose, self.holder.as_bytes(), self.query.as_bytes(), self.shown.as_bytes()]
    }

    pub(crate) fn token(&self, core: &Core) -> String {
        URL_SAFE_NO_PAD.encode(core.secrets.forms.of(&self.parts()))
    }

    pub(crate) fn is_token(&self, core: &Core, token: Option<&str>) -> bool {
        let code = token.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
        code.is_some_and(|code| core.secrets.forms.is_of(&code, &self.parts()))
    }
}

/// Whether a form was sent by a page of ours. Browsers say so with every POST; who does not say is not heard.
pub(crate) fn is_from_own_page(core: &Core, headers: &HeaderMap) -> bool {
    let own = WebUrl::split(&core.issuer).map(|url| url.origin);
    let origin = single(headers, &ORIGIN).flatten().and_then(|origin| origin.to_str().ok());
    let site = single(headers, &SEC_FETCH_SITE);
    origin.is_some() && origin == own && site.is_none_or(|site| site.is_some_and(|site| site == "same-origin"))
}

/// Whether another site's page, or something that does not say what it is, caused the request. Absent headers are no
/// sign of that: programs send none, and `none` is somebody who typed.
#[cfg(feature = "dev-login")]
pub(crate) fn is_cross_site(core: &Core, headers: &HeaderMap) -> bool {
    let own = WebUrl::split(&core.issuer).map(|url| url.origin);
    let site = single(headers, &SEC_FETCH_SITE).map(|site| site.and_then(|site| site.to_str().ok()));
    let origin = single(headers, &ORIGIN).map(|origin| origin.and_then(|origin| origin.to_str().ok()));
    let foreign_site = site.is_some_and(|site| !matches!(site, Some("none" | "same-origin")));
    foreign_site || origin.is_some_and(|origin| origin != own)
}

/// Whether a page is asked for to be put into another one.
pub(crate) fn is_framed(headers: &HeaderMap) -> bool {
    headers.get_all(SEC_FETCH_DEST).iter().any(|dest| dest != "document" && dest != "empty")
}

/// 32 random bytes in base64url.
pub(crate) fn secret() -> Result<String, OAuthError> {
    let none = OAuthError::new(ErrorCode::TemporarilyUnavailable, "the system has no randomness");
    random::<32>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).ok_or(none)
}

/// What a page may do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dress<'a> {
    /// It leads on to the client. Whoever opened its window must be able to hear from the client there, so that window
    /// stays theirs.
    Onward,
    /// The same, for a page that somebody else wrote: with style elements that carry this nonce, and own images.
    Foreign { nonce: &'a str },
    /// It ends here.
    End,
}

/// A page that is not kept, not framed, and brings nothing from elsewhere.
pub(crate) fn page(status: StatusCode, html: String, dress: Dress<'_>) -> Response {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&content_policy(dress)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // On the way to the client this would cut the ties between its page and the window it opened.
    if matches!(dress, Dress::End) {
        headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    }
    guard(headers);
    response
}

/// A page with a content policy of its own. Windows that it opens may speak to it.
pub(crate) fn foreign_page(html: Bytes, policy: &str) -> Response {
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // A policy that cannot be written down is one that allows nothing.
    let policy = HeaderValue::from_str(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin-allow-popups"));
    guard(headers);
    response
}

/// There is no `form-action`, on purpose: browsers apply it also to where the answer to a form leads, so after
/// "Allow" none would go on to a client on another host or with a scheme of its own. Nothing that is not ours gets into
/// the pages, so there is no foreign form that it could stop.
fn content_policy(dress: Dress<'_>) -> String {
    static STYLE_HASH: LazyLock<String> = LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE)));
    let style = &*STYLE_HASH;
    let (nonce, images) = match dress {
        Dress::Foreign { nonce } => (format!(" 'self' 'nonce-{nonce}'"), "; img-src 'self'"),
        Dress::Onward | Dress::End => (String::new(), ""),
    };
    format!("default-src 'none'; style-src 'sha256-{style}'{nonce}{images}; frame-ancestors 'none'; base-uri 'none'")
}

/// Goes on elsewhere, always by GET.
pub(crate) fn see_other(location: &str) -> Option<Response> {
    redirect(StatusCode::SEE_OTHER, location)
}

pub(crate) fn redirect(status: StatusCode, location: &str) -> Option<Response> {
    let location = HeaderValue::from_str(location).ok()?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(LOCATION, location);
    guard(response.headers_mut());
    Some(response)
}

fn guard(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}

pub(crate) fn retry_after(response: &mut Response, seconds: u64) {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
}
