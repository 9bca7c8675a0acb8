//! The life of tokens, on one node and on two, with time and store in the hand of the test.

mod codes;
mod keys;
mod news;
mod operator;
mod refresh;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use super::codes::Granted;
use crate::{
    auth::{AuthError, BearerToken, Identity, PublicUrl},
    clock::{Clock, ManualClock},
    guard::Catalogue,
    oauth::{
        Account, AuthorizationServer, AuthorizationServerBuilder, LoginError, LoginForm, LoginPage, LoginProvider,
        StoreKey, Surroundings,
        clients::{Authentication, Client, GrantType, Origin},
        error::{ErrorCode, OAuthError},
        people,
        pkce::Pkce,
        visit::Form,
    },
    store::{Commit, Kind, Store, StoreError, brittle::Brittle},
};

pub(super) const RESOURCE: &str = "https://a.example/mcp";
const REDIRECT: &str = "http://127.0.0.1:7000/callback";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

type Accounts = Arc<Mutex<HashMap<String, Account>>>;

/// A login whose accounts the test changes.
struct Listed(Accounts);

#[async_trait::async_trait]
impl LoginProvider for Listed {
    fn name(&self) -> &str {
        "listed"
    }

    fn page(&self, _: &LoginPage<'_>) -> String {
        String::new()
    }

    async fn log_in(&self, _: &LoginForm) -> Result<Account, LoginError> {
        Err(LoginError::Denied)
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }
}

/// One store, and the time.
pub(super) struct World {
    pub(super) store: Arc<Brittle>,
    pub(super) clock: ManualClock,
    accounts: Accounts,
}

impl World {
    pub(super) fn new() -> Self {
        let world = Self { store: Arc::default(), clock: ManualClock::new(), accounts: Arc::default() };
        world.account(Account::new("alice", "Alice").all_scopes());
        world
    }

    pub(super) fn account(&self, account: Account) {
        self.accounts.lock().unwrap().insert(account.id.clone(), account);
    }

    pub(super) fn remove_account(&self, id: &str) {
        self.accounts.lock().unwrap().remove(id);
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    pub(super) fn breaks(&self, is_broken: bool) {
        self.store.is_broken.store(is_broken, Ordering::SeqCst);
    }

    pub(super) fn node(&self) -> AuthorizationServer {
        self.node_with_key(KEY).unwrap()
    }

    pub(super) fn node_with_key(&self, key: &str) -> Result<AuthorizationServer, Vec<String>> {
        self.node_with(key, |builder| builder)
    }

    pub(super) fn node_with(
        &self,
        key: &str,
        configure: fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Result<AuthorizationServer, Vec<String>> {
        let mut catalogue = Catalogue::default();
        catalogue.declare("read", "Read");
        catalogue.declare("write", "Write");
        catalogue.declare("admin", "Everything");
        catalogue.imply("admin", ["write", "read"]);
        let (url, clock) = (PublicUrl::parse(RESOURCE).unwrap(), Clock::from(self.clock.clone()));
        let around = Surroundings { name: "test", public_url: Some(&url), catalogue: &catalogue, clock: &clock };
        let key = StoreKey::from_base64(key).unwrap();
        let builder = AuthorizationServerBuilder::new(Arc::clone(&self.store) as Arc<dyn Store>, key)
            .login(Listed(Arc::clone(&self.accounts)))
            .default_scopes(["read"]);
        configure(builder).build(&around)
    }
}

pub(super) fn client(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        origin: Origin::Dynamic,
        name: id.to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        authentication: Authentication::None,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: None,
        may_introspect: false,
        metadata_hash: String::new(),
    }
}

/// A code for these scopes, and the form that redeems it.
pub(super) async fn code(node: &AuthorizationServer, scopes: &[&str]) -> HashMap<&'static str, String> {
    let pkce = Pkce::generate().unwrap();
    let subject = people::subject_of(&node.0, "listed", "alice").await.unwrap();
    let granted = Granted {
        client_id: "c".to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        challenge: pkce.challenge().to_owned(),
        resource: RESOURCE.to_owned(),
        subject,
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        auth_time: node.0.records.now(),
    };
    let (eras, _) = people::Eras::now(&node.0, &granted.subject, "c").await.unwrap();
    let code = super::codes::issue(&node.0, granted, eras).await.unwrap();
    HashMap::from([
        ("code", code),
        ("code_verifier", pkce.verifier().to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("resource", RESOURCE.to_owned()),
    ])
}

pub(super) fn form(fields: &HashMap<&'static str, String>) -> Form {
    let mut raw = form_urlencoded::Serializer::new(String::new());
    raw.extend_pairs(fields);
    Form::parse(&raw.finish()).unwrap()
}

/// What came out of the token endpoint.
pub(super) struct Tokens(Value);

impl Tokens {
    pub(super) fn access(&self) -> &str {
        self.0["access_token"].as_str().unwrap()
    }

    pub(super) fn refresh(&self) -> &str {
        self.0["refresh_token"].as_str().unwrap()
    }

    pub(super) fn scope(&self) -> &str {
        self.0["scope"].as_str().unwrap_or("")
    }
}

pub(super) async fn redeem(
    node: &AuthorizationServer,
    client: &Client,
    fields: &HashMap<&'static str, String>,
) -> Result<Tokens, OAuthError> {
    let answer = super::codes::redeem(&node.0, client, &form(fields)).await?;
    Ok(Tokens(answer.into_json()))
}

/// Tokens of a new grant.
pub(super) async fn tokens(node: &AuthorizationServer, scopes: &[&str]) -> Tokens {
    redeem(node, &client("c"), &code(node, scopes).await).await.unwrap()
}

pub(super) async fn refresh(node: &AuthorizationServer, client: &Client, token: &str) -> Result<Tokens, OAuthError> {
    refresh_for(node, client, token, None).await
}

pub(super) async fn refresh_for(
    node: &AuthorizationServer,
    client: &Client,
    token: &str,
    scope: Option<&str>,
) -> Result<Tokens, OAuthError> {
    let mut fields = HashMap::from([("refresh_token", token.to_owned())]);
    fields.extend(scope.map(|scope| ("scope", scope.to_owned())));
    let answer = super::refresh::redeem(&node.0, client, &form(&fields)).await?;
    Ok(Tokens(answer.into_json()))
}

pub(super) async fn verify(node: &AuthorizationServer, token: &str) -> Result<Identity, AuthError> {
    node.0.verify(&BearerToken::new(token).unwrap()).await
}

pub(super) fn refusal(result: Result<Tokens, OAuthError>) -> ErrorCode {
    match result {
        Ok(_) => panic!("tokens came out"),
        Err(error) => error.code,
    }
}
