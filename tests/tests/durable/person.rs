//! Somebody with a browser, and the client that sends them.

use std::{collections::BTreeMap, io, net::SocketAddr};

use mcp_runtime::oauth::pkce::Pkce;
use serde_json::Value;

use crate::{
    http::{Answer, FORM, form, send},
    node::{CLIENT, HOST, PASSWORD, REDIRECT},
};

/// A browser in which somebody is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    cookies: BTreeMap<String, String>,
}

/// A code, and what its client needs to exchange it.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    code: String,
    verifier: String,
}

/// What a client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        let text = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("no {name}: {json}")).to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }

    /// What the access token says of itself.
    pub(crate) fn claim(&self, name: &str) -> String {
        part(&self.access, 1)[name].as_str().unwrap().to_owned()
    }

    /// The key that signed it.
    pub(crate) fn kid(&self) -> String {
        part(&self.access, 0)["kid"].as_str().unwrap().to_owned()
    }
}

fn part(token: &str, number: usize) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The query of an authorization request.
pub(crate) fn query(client: &str, challenge: &str) -> String {
    form(&[
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("state", "xyz"),
        ("scope", "notes:read"),
    ])
}

impl Person {
    /// Enters name and password.
    pub(crate) async fn log_in(at: SocketAddr, name: &str) -> io::Result<Self> {
        let mut browser = Self { cookies: BTreeMap::new() };
        let path = format!("/login?{}", query(CLIENT, Pkce::generate().unwrap().challenge()));
        let page = browser.get(at, &path).await?;
        let entered = browser.enter(at, &path, &page, &[("username", name), ("password", PASSWORD)]).await?;
        assert_eq!(entered.status, 303, "{entered:?}");
        Ok(browser)
    }

    /// Lets the client have a code; consents if asked.
    pub(crate) async fn code(&mut self, at: SocketAddr) -> io::Result<Code> {
        let pkce = Pkce::generate().unwrap();
        let query = query(CLIENT, pkce.challenge());
        let mut answer = self.get(at, &format!("/authorize?{query}")).await?;
        if answer.status == 200 {
            let fields = [("decision", "allow"), ("scope:notes:read", "on")];
            answer = self.enter(at, &format!("/consent?{query}"), &answer, &fields).await?;
        }
        let code = answer.header("location").split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
        let code = code.unwrap_or_else(|| panic!("no code: {answer:?}")).to_owned();
        Ok(Code { code, verifier: pkce.verifier().to_owned() })
    }

    /// From nothing to tokens.
    pub(crate) async fn tokens(&mut self, at: SocketAddr) -> io::Result<Tokens> {
        Ok(Tokens::of(&self.code(at).await?.redeem(at).await?))
    }

    async fn get(&mut self, at: SocketAddr, path: &str) -> io::Result<Answer> {
        let answer = send(at, "GET", path, &[("Cookie", &self.cookie())], "").await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    /// Sends the form of a page back.
    async fn enter(
        &mut self,
        at: SocketAddr,
        path: &str,
        page: &Answer,
        fields: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let token = page.body.split_once("name=\"token\" value=\"").unwrap_or_else(|| panic!("no form: {page:?}")).1;
        let token = token.split('"').next().unwrap();
        let (origin, cookie) = (format!("https://{HOST}"), self.cookie());
        let headers = [FORM, ("Origin", &*origin), ("Cookie", &*cookie)];
        let answer = send(at, "POST", path, &headers, &form(&[&[("token", token)], fields].concat())).await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for line in answer.all("set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Code {
    pub(crate) async fn redeem(&self, at: SocketAddr) -> io::Result<Answer> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT),
            ("code", &self.code),
            ("code_verifier", &self.verifier),
        ];
        send(at, "POST", "/token", &[FORM], &form(&fields)).await
    }
}
