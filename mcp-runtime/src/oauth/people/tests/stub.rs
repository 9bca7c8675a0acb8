//! A provider that only exists in tests: it says what it is told to say, and counts how often it is asked.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use super::*;
use crate::oauth::{
    Account, LoginError,
    login::federated::{
        Arrived, Claims, FederatedLogin, NotAdmitted, Once, Patience, Rechecked, SignIn, SignInPage, Trip,
        UpstreamScope, UpstreamTokens, federated_login,
    },
    visit::Form,
};

/// Clones are the same.
#[derive(Clone)]
pub(in super::super) struct Stub {
    name: String,
    label: String,
    issuer: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    departures: AtomicUsize,
    arrivals: AtomicUsize,
    rechecks: AtomicUsize,
    says: Mutex<Option<(String, Claims)>>,
    is_down: Mutex<bool>,
    access: Vec<UpstreamScope>,
    has_page: bool,
    /// What looks wait for, once they know what to say.
    gate: Mutex<Option<Arc<tokio::sync::Notify>>>,
}

impl Stub {
    pub(in super::super) fn named(name: &str) -> Self {
        let stub = Self {
            name: name.to_owned(),
            label: format!("The {name}"),
            issuer: "https://up.example".to_owned(),
            state: Arc::default(),
        };
        stub.says("1", json!({}));
        stub
    }

    /// The same name for somebody else.
    pub(in super::super) fn of_issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    /// People log in on a page here.
    pub(in super::super) fn with_page(mut self) -> Self {
        Arc::get_mut(&mut self.state).unwrap().has_page = true;
        self
    }

    /// What tools may do there.
    pub(in super::super) fn may(mut self, description: &str) -> Self {
        let scope = UpstreamScope { scope: "all".to_owned(), description: description.to_owned() };
        Arc::get_mut(&mut self.state).unwrap().access.push(scope);
        self
    }

    /// Who comes back next, and who is there when it is asked again.
    pub(in super::super) fn says(&self, id: &str, claims: Value) {
        *self.state.says.lock().unwrap() = Some((id.to_owned(), claims.as_object().cloned().unwrap()));
    }

    /// From now on it knows nobody.
    pub(in super::super) fn forgets(&self) {
        *self.state.says.lock().unwrap() = None;
    }

    pub(in super::super) fn is_down(&self, is: bool) {
        *self.state.is_down.lock().unwrap() = is;
    }

    /// From now on looks say what they found only when they are told to.
    pub(in super::super) fn waits(&self) -> Arc<tokio::sync::Notify> {
        let gate = Arc::default();
        *self.state.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    /// How often somebody went there, came back from there, and was looked up again.
    pub(in super::super) fn asked(&self) -> (usize, usize, usize) {
        let State { departures, arrivals, rechecks, .. } = &*self.state;
        (departures.load(Ordering::SeqCst), arrivals.load(Ordering::SeqCst), rechecks.load(Ordering::SeqCst))
    }

    fn said(&self) -> Result<(String, Claims), LoginError> {
        if *self.state.is_down.lock().unwrap() {
            return Err(LoginError::Unavailable);
        }
        self.state.says.lock().unwrap().clone().ok_or(LoginError::Denied)
    }

    /// The account id of somebody there.
    pub(in super::super) fn account_id(&self, id: &str) -> String {
        format!("{} {id}", self.issuer())
    }
}

federated_login!(Stub);

#[async_trait::async_trait]
impl FederatedLogin for Stub {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn problems(&self, _: &str, _: bool) -> Vec<String> {
        Vec::new()
    }

    fn console(&self, callback: &str) -> Vec<String> {
        vec![callback.to_owned()]
    }

    async fn depart(&self, trip: &Trip) -> Result<String, LoginError> {
        self.state.departures.fetch_add(1, Ordering::SeqCst);
        if *self.state.is_down.lock().unwrap() {
            return Err(LoginError::Unavailable);
        }
        assert!(trip.began == trip.now, "it begins now");
        assert!(trip.state.len() == 43 && trip.nonce.len() == 43 && trip.nonce != trip.pkce.verifier());
        let again = if trip.login_again { "&prompt=login" } else { "" };
        let (state, challenge) = (&trip.state, trip.pkce.challenge());
        Ok(format!("https://up.example/auth?state={state}&code_challenge={challenge}{again}"))
    }

    async fn page(&self, page: &SignIn<'_>) -> Option<Result<SignInPage, LoginError>> {
        let fields = page.hidden.iter().map(|(name, value)| format!("<input name=\"{name}\" value=\"{value}\">"));
        let html = format!("<form action=\"{}\">{}</form>", page.action, fields.collect::<String>());
        let policy = "default-src 'none'; style-src 'sha256-'; frame-ancestors 'none'; base-uri 'none'".to_owned();
        self.state.has_page.then(|| Ok(SignInPage { html: html.into(), policy }))
    }

    /// The code is the challenge, so that no other attempt's verifier answers it.
    async fn arrive(&self, trip: &Trip, brought: &Form) -> Result<Arrived, LoginError> {
        self.state.arrivals.fetch_add(1, Ordering::SeqCst);
        let (id, claims) = self.said()?;
        if claims.get("hangs") == Some(&json!(true)) {
            std::future::pending::<()>().await;
        }
        let away = claims.get("away").and_then(Value::as_u64);
        assert!(away.is_none_or(|away| trip.now - trip.began == away), "{away:?}: {}", trip.now - trip.began);
        if brought.get("code") != Some(trip.pkce.challenge()) {
            return Err(LoginError::Denied);
        }
        let tokens = UpstreamTokens {
            access_token: "upstream-access".to_owned(),
            refresh_token: Some("upstream-refresh".to_owned()),
            expires_at: None,
            scopes: Vec::new(),
        };
        let once = claims.get("once").and_then(Value::as_str);
        let once = once.map(|key| Once { key: key.to_owned(), until: trip.now + 300 });
        let tokens = (claims.get("tokens") != Some(&json!(false))).then_some(tokens);
        Ok(Arrived { id, claims, tokens, once })
    }

    fn judge(&self, id: &str, claims: &Claims) -> Result<Account, NotAdmitted> {
        let scopes = claims.get("scopes").and_then(Value::as_str).unwrap_or("read");
        let is_admitted = claims.get("admitted") != Some(&json!(false));
        let refused = NotAdmitted { rule: "claim \"admitted\"".to_owned(), why: "the stub says so" };
        let account = || Account::new(self.account_id(id), format!("Person {id}")).scopes(scopes.split(' '));
        if is_admitted { Ok(account()) } else { Err(refused) }
    }

    fn granted(&self) -> Vec<&str> {
        Vec::new()
    }

    async fn recheck(&self, id: &str, _: &Claims, tokens: Option<&UpstreamTokens>) -> Result<Rechecked, LoginError> {
        self.state.rechecks.fetch_add(1, Ordering::SeqCst);
        let said = self.said();
        let gate = self.state.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let (said, claims) = said?;
        let tokens = tokens.ok_or(LoginError::Denied)?;
        if said != id {
            return Err(LoginError::Denied);
        }
        let access_token = format!("{}+", tokens.access_token);
        Ok(Rechecked { claims, tokens: Some(UpstreamTokens { access_token, ..tokens.clone() }) })
    }

    async fn refresh(&self, _: &str, _: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        Err(LoginError::Denied)
    }

    fn access(&self) -> &[UpstreamScope] {
        &self.state.access
    }

    fn patience(&self) -> Patience {
        Patience::default()
    }

    fn linked_email(&self, claims: &Claims) -> Option<String> {
        claims.get("linked").and_then(Value::as_str).map(str::to_owned)
    }
}
