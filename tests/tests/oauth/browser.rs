//! A browser: it keeps cookies, says where its forms come from, and can read a page as far as its user would.

use std::{collections::BTreeMap, net::SocketAddr};

use http::StatusCode;
use mcp_runtime::oauth::pkce::challenge_of;

use crate::world::{Ask, ISSUER, PASSWORD, RESOURCE, Reply, World};

pub(crate) const VERIFIER: &str = "the-verifier-of-the-usual-client-0123456789abcdef";
pub(crate) const CALLBACK: &str = "https://app.example.com/cb";

#[derive(Clone)]
pub(crate) struct Browser<'w> {
    world: &'w World,
    pub(crate) jar: BTreeMap<String, String>,
    pub(crate) address: SocketAddr,
}

/// Parameters that a request has in the place of its own.
pub(crate) type Changes<'a> = &'a [(&'a str, &'a str)];

/// Access and refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// The usual request of the client `web`, with these parameters in the place of its own; empty ones are left out.
pub(crate) fn link(changes: &[(&str, &str)]) -> String {
    let challenge = challenge_of(VERIFIER);
    let fields = [
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "a state of the client"),
        ("scope", "notes:read notes:write"),
        ("resource", RESOURCE),
    ];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(changed(&fields, changes)).finish();
    format!("{ISSUER}/authorize?{query}")
}

/// The fields with these in the place of their own; empty ones are left out.
pub(crate) fn changed<'a>(fields: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    kept.chain(changes).filter(|(_, value)| !value.is_empty()).copied().collect()
}

/// The usual request for tokens, with changes.
pub(crate) async fn redeem(world: &World, code: &str, changes: &[(&str, &str)]) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "web"),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
        ("resource", RESOURCE),
    ];
    world.form("/token", &changed(&fields, changes)).await
}

pub(crate) async fn refresh(world: &World, token: &str, changes: &[(&str, &str)]) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", token)];
    world.form("/token", &changed(&fields, changes)).await
}

impl Tokens {
    pub(crate) fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        let (json, text) = (reply.json(), |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned());
        Self { access: text(&json["access_token"]), refresh: text(&json["refresh_token"]) }
    }
}

impl<'w> Browser<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, jar: BTreeMap::new(), address: world.address() }
    }

    /// Somebody who has logged in.
    pub(crate) async fn of(world: &'w World, name: &str) -> Self {
        let mut browser = Self::new(world);
        let page = browser.log_in(&link(&[("prompt", "consent")]), name).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        browser
    }

    pub(crate) async fn get(&mut self, url: &str) -> Reply {
        self.send(Ask::get(url)).await
    }

    /// A form as browsers send it from our own page.
    pub(crate) async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Reply {
        self.post_from(url, &[("origin", ISSUER), ("sec-fetch-site", "same-origin")], fields).await
    }

    pub(crate) async fn post_from(&mut self, url: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Reply {
        let ask = Ask::form(url, fields);
        self.send(headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))).await
    }

    pub(crate) async fn send(&mut self, ask: Ask) -> Reply {
        let cookies = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", cookies) };
        let reply = self.world.send(ask.from(self.address)).await;
        for line in reply.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            // The prefix has browsers insist on these.
            assert!(name.starts_with("__Host-") && line.contains("Path=/;") && line.contains("; Secure"), "{line}");
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && !line.contains("Domain"), "{line}");
            match line.contains("Max-Age=0") {
                true => drop(self.jar.remove(name)),
                false => drop(self.jar.insert(name.to_owned(), value.to_owned())),
            }
        }
        reply
    }

    /// From the client's link to the login page.
    pub(crate) async fn login_page(&mut self, link: &str) -> Reply {
        let onward = self.get(link).await;
        assert!(onward.location().starts_with(&format!("{ISSUER}/login?")), "{onward:?}");
        self.get(onward.location()).await
    }

    pub(crate) async fn enter(&mut self, page: &Reply, name: &str, password: &str) -> Reply {
        let (action, token) = page.form_to("/login");
        self.post(&action, &[("token", &token), ("username", name), ("password", password)]).await
    }

    /// From the client's link to the page with the question.
    pub(crate) async fn log_in(&mut self, link: &str, name: &str) -> Reply {
        let page = self.login_page(link).await;
        let entered = self.enter(&page, name, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{entered:?}");
        self.get(entered.location()).await
    }

    /// Answers the question.
    pub(crate) async fn decide(&mut self, page: &Reply, decision: &str, scopes: &[&str]) -> Reply {
        let (action, token) = page.form_to("/consent");
        let names: Vec<String> = scopes.iter().map(|scope| format!("scope:{scope}")).collect();
        let mut fields = vec![("token", &*token), ("decision", decision)];
        fields.extend(names.iter().map(|name| (&**name, "on")));
        self.post(&action, &fields).await
    }

    /// Allows all that is asked by somebody who is logged in; follows a link that needs no question.
    pub(crate) async fn allow(&mut self, link: &str) -> Reply {
        let page = self.get(link).await;
        if page.status == StatusCode::SEE_OTHER {
            return page;
        }
        let offered = page.offered();
        let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
        self.decide(&page, "allow", &offered).await
    }

    /// A code for the usual request.
    pub(crate) async fn code(&mut self, changes: &[(&str, &str)]) -> String {
        let reply = self.allow(&link(changes)).await;
        reply.told().remove("code").unwrap_or_else(|| panic!("no code: {reply:?}"))
    }

    pub(crate) async fn tokens(&mut self) -> Tokens {
        let code = self.code(&[]).await;
        Tokens::of(&redeem(self.world, &code, &[]).await)
    }
}

impl Reply {
    /// Where the form that leads to this path goes, and its token.
    pub(crate) fn form_to(&self, path: &str) -> (String, String) {
        let html = &self.text;
        let start = html.find(&format!("{path}?")).unwrap_or_else(|| panic!("no form to {path}: {self:?}"));
        let begin = html[..start].rfind('"').unwrap() + 1;
        let action = html[begin..].split('"').next().unwrap().replace("&amp;", "&");
        let token = html[start..].split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
        (action, token.to_owned())
    }

    /// The scopes that can be ticked.
    pub(crate) fn offered(&self) -> Vec<String> {
        let boxes = self.text.split("name=\"scope:").skip(1);
        boxes.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    /// An answer for people: kept by nobody, framed by nobody, with nothing from elsewhere.
    #[track_caller]
    pub(crate) fn assert_guarded(&self) {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("access-control-allow-origin", ""),
            ("access-control-allow-credentials", ""),
        ] {
            assert_eq!(self.header(name), value, "{name}: {self:?}");
        }
        if !self.text.is_empty() {
            let policy = self.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
            assert!(!policy.contains("unsafe") && !self.text.contains("<script"), "{self:?}");
        }
    }
}
