//! Your own people, your own login page, and programs that log in without any person:
//! `ALICE_PASSWORD=… JOB_SECRET=… REPORTS_SECRET=… cargo run --bin oauth_server`.
//!
//! `quickstart` keeps users in the server's own store. Here they are in a table of yours, as they would be in a shop or an
//! intranet that has had users for years. The authorization server asks it two questions (who is this, and what may they
//! have now) and does everything else: sessions, cookies, CSRF, back-off after wrong passwords, consent, tokens.
//!
//! Two programs are registered by the operator: `nightly` gets tokens for itself (client_credentials), `reports` is another
//! service that may ask whether a token is good (introspection). MCP clients need no registration: they bring their own.

use std::{
    collections::HashMap,
    error::Error,
    fmt::Write,
    sync::{Arc, PoisonError, RwLock},
};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use examples::notebook;
use mcp_runtime::{
    Server,
    oauth::{
        Account, AuthorizationServer, AuthorizationServerBuilder, LoginError, LoginForm, LoginPage, LoginProvider,
        RegisteredClient, StoreKey,
    },
    store::MemoryStore,
};
use tokio::sync::Semaphore;

const URL: &str = "http://127.0.0.1:8000/mcp";

/// Hashing a password takes 19 MiB and a core for a while: so many at once, and a few who wait.
const AT_ONCE: usize = 2;
const WAITING: usize = 30;

struct Person {
    name: String,
    /// Argon2id with salt and cost, as text.
    password_hash: String,
    is_head: bool,
}

/// The table, by staff number. Clones share it.
#[derive(Clone)]
struct Staff {
    people: Arc<RwLock<HashMap<String, Person>>>,
    /// Compared with where there is no such person, so that nobody can tell by the time it takes.
    decoy: Arc<str>,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Staff {
    fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            people: Arc::default(),
            decoy: hash("nobody has this password")?.into(),
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        })
    }

    fn hire(&self, number: &str, name: &str, password: &str, is_head: bool) -> Result<(), Box<dyn Error>> {
        let person = Person { name: name.to_owned(), password_hash: hash(password)?, is_head };
        self.people.write().unwrap_or_else(PoisonError::into_inner).insert(number.to_owned(), person);
        Ok(())
    }

    fn find<T>(&self, number: &str, look: impl FnOnce(&Person) -> T) -> Option<T> {
        self.people.read().unwrap_or_else(PoisonError::into_inner).get(number).map(look)
    }

    /// Whether the password has this hash: beside the tools and not among them, and never too often at once.
    async fn is_password(&self, password: &str, hash: String) -> Result<bool, LoginError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| LoginError::Unavailable)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| LoginError::Unavailable)?;
        let password = password.to_owned();
        let work = move || {
            let _places = (admitted, running);
            let hash = PasswordHash::new(&hash).ok()?;
            Argon2::default().verify_password(password.as_bytes(), &hash).ok()
        };
        tokio::task::spawn_blocking(work).await.map(|right| right.is_some()).map_err(|_| LoginError::Unavailable)
    }
}

fn hash(password: &str) -> Result<String, Box<dyn Error>> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    Ok(Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)?.to_string())
}

/// What somebody may grant at most: the rule of this house.
fn account(number: &str, person: &Person) -> Account {
    let account = Account::new(number, &*person.name);
    if person.is_head { account.all_scopes() } else { account.scopes(["notes:write"]) }
}

#[mcp_runtime::async_trait]
impl LoginProvider for Staff {
    /// Subjects are linked to it: never change it.
    fn name(&self) -> &str {
        "staff"
    }

    /// The page is yours, as long as its form carries the hidden fields. Scripts do not run on it.
    fn page(&self, page: &LoginPage<'_>) -> String {
        let mut html = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><title>Staff</title>\
             <style nonce=\"{}\">body{{font-family:serif;margin:2rem}}</style>\
             <h1>Who goes there?</h1>",
            escaped(page.nonce)
        );
        if let Some(message) = page.message {
            let _ = write!(html, "<p role=alert>{}</p>", escaped(message));
        }
        let _ = write!(html, "<form method=post action=\"{}\">", escaped(page.action));
        for (name, value) in page.hidden {
            let _ = write!(html, "<input type=hidden name=\"{}\" value=\"{}\">", escaped(name), escaped(value));
        }
        html.push_str(
            "<label>Staff number <input name=number inputmode=numeric autocomplete=username required></label>\
             <label>Password <input name=password type=password autocomplete=current-password required></label>\
             <button>Enter</button></form>",
        );
        html
    }

    /// Wrong tries are counted by the number, since there is no field `username`.
    fn counted_as(&self, form: &LoginForm) -> String {
        form.field("number").trim().to_owned()
    }

    async fn log_in(&self, form: &LoginForm) -> Result<Account, LoginError> {
        let number = form.field("number").trim();
        let found = self.find(number, |person| (person.password_hash.clone(), account(number, person)));
        let hash = found.as_ref().map_or_else(|| self.decoy.to_string(), |(hash, _)| hash.clone());
        let is_right = self.is_password(form.field("password"), hash).await?;
        found.filter(|_| is_right).map(|(_, account)| account).ok_or(LoginError::Denied)
    }

    /// Asked at every consent and every refresh: whoever has left, or is no head any more, loses it then.
    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
        Ok(self.find(id, |person| account(id, person)))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn authorization(staff: Staff, job: &str, reports: &str) -> Result<AuthorizationServerBuilder, Box<dyn Error>> {
    // In memory, to keep the lesson short: `quickstart` shows how everything survives.
    Ok(AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate()?)
        .login(staff)
        .default_scopes(["notes:write"])
        // Your own app on people's machines. Any port of this machine; PKCE and consent protect it, as it can keep no secret.
        .client(RegisteredClient::public("desk").name("Desk").redirect_uri("http://127.0.0.1/callback"))
        // For itself it has these scopes, and no person is asked.
        .client(RegisteredClient::confidential("nightly", job).client_credentials().scopes(["notes:write"]))
        .client(RegisteredClient::confidential("reports", reports).may_introspect()))
}

fn server(authorization: AuthorizationServerBuilder) -> Result<Server, Box<dyn Error>> {
    let server = notebook::add_to(Server::builder("oauth_server", env!("CARGO_PKG_VERSION")));
    Ok(server.public_url(URL).authorization_server(authorization).build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("oauth_server.rs"));
    let secret = |name: &str| {
        std::env::var(name).map_err(|_| format!("set {name} to something new: export {name}=$(openssl rand -hex 20)"))
    };
    let staff = Staff::new()?;
    staff.hire("1001", "Alice", &secret("ALICE_PASSWORD")?, true)?;
    let server = server(authorization(staff, &secret("JOB_SECRET")?, &secret("REPORTS_SECRET")?)?)?;
    println!(
        "Listening on {URL}; Alice's staff number is 1001. A token for the nightly job, and what `reports` is told:"
    );
    println!("  curl -u nightly:$JOB_SECRET http://127.0.0.1:8000/token -d grant_type=client_credentials");
    println!("  curl -u reports:$REPORTS_SECRET http://127.0.0.1:8000/introspect -d token=…");
    Ok(server.serve("127.0.0.1:8000").await?)
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        http::{HeaderMap, Request, StatusCode, header},
    };
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    const ISSUER: &str = "http://127.0.0.1:8000";
    /// `nightly:…` and `reports:…`, as HTTP Basic writes them.
    const JOB: &str = "Basic bmlnaHRseTpabTl2WW1GeVltRjZjWFY0TURFeU16UTFOamM0T1dGaVkyUmxaZw==";
    const REPORTS: &str = "Basic cmVwb3J0czpabTl2WW1GeVltRjZjWFY0TURFeU16UTFOamM0T1dGaVkyUmxaZw==";
    const SECRET: &str = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg";

    /// Alice, who is a head, and Bob, who is not.
    fn app() -> (Router, Staff) {
        let staff = Staff::new().unwrap();
        staff.hire("1001", "Alice", "a long pass phrase", true).unwrap();
        staff.hire("1002", "Bob <b>", "another pass phrase", false).unwrap();
        let server = server(authorization(staff.clone(), SECRET, SECRET).unwrap()).unwrap();
        (server.router(), staff)
    }

    async fn send(app: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(app: &Router, path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::post(path).header("host", "127.0.0.1:8000");
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(app, request.body(body.to_owned().into()).unwrap()).await
    }

    async fn get(app: &Router, url: &str, cookies: &str) -> (StatusCode, HeaderMap, String) {
        let path = url.strip_prefix(ISSUER).unwrap_or(url);
        let request = Request::get(path).header("host", "127.0.0.1:8000").header("cookie", cookies);
        send(app, request.body(Body::empty()).unwrap()).await
    }

    async fn json(app: &Router, path: &str, client: &str, form: &str) -> (StatusCode, Value) {
        let (status, _, body) = post(app, path, &[("authorization", client)], form).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn call(app: &Router, tool: &str, token: &str) -> StatusCode {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                          "params": {"name": tool, "arguments": {"title": "a", "text": "b"}}});
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
        post(app, "/mcp", &headers, &call.to_string()).await.0
    }

    fn cookies(headers: &HeaderMap) -> String {
        let pairs = headers.get_all(header::SET_COOKIE).iter();
        pairs.map(|line| line.to_str().unwrap().split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
    }

    /// From a client's link over our page to what comes after: the question, or our page again.
    async fn log_in(app: &Router, number: &str, password: &str) -> (StatusCode, String) {
        let link = "/authorize?response_type=code&client_id=desk&redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fcallback\
                    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
                    &scope=notes%3Awrite%20admin";
        let (_, headers, _) = get(app, link, "").await;
        let (status, headers, page) = get(app, headers["location"].to_str().unwrap(), "").await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("Who goes there?") && !page.contains("&scope"), "{page}");
        let between = |from: &str| page.split_once(from).unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
        let (action, token) = (between("action=\""), between("name=\"token\" value=\""));
        let visit = cookies(&headers);
        let form = format!("token={token}&number={number}&password={}", password.replace(' ', "+"));
        let own = [("cookie", &*visit), ("origin", ISSUER)];
        let (status, headers, page) = post(app, action.strip_prefix(ISSUER).unwrap(), &own, &form).await;
        let Some(next) = headers.get("location") else { return (status, page) };
        let (status, _, page) = get(app, next.to_str().unwrap(), &cookies(&headers)).await;
        (status, page)
    }

    #[tokio::test]
    async fn a_person_of_the_table_logs_in_on_our_page_and_may_grant_what_the_house_allows() {
        let (app, _) = app();
        let (status, page) = log_in(&app, "1001", "a long pass phrase").await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("Alice") && page.contains("scope:notes:write") && page.contains("scope:admin"), "{page}");
        let (status, page) = log_in(&app, "1002", "another pass phrase").await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("Bob &lt;b&gt;") && page.contains("scope:notes:write"), "{page}");
        assert!(!page.contains("scope:admin"), "{page}");
    }

    #[tokio::test]
    async fn a_wrong_password_and_an_unknown_number_look_the_same() {
        let (app, _) = app();
        let visible = |page: String| page.split_once("<p role=alert>").unwrap().1.split('<').next().unwrap().to_owned();
        let (wrong, told) = log_in(&app, "1001", "another pass phrase").await;
        let (unknown, told_unknown) = log_in(&app, "9999", "another pass phrase").await;
        assert_eq!((wrong, unknown), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
        assert_eq!(visible(told), visible(told_unknown));
    }

    #[tokio::test]
    async fn the_job_has_its_scopes_and_no_more() {
        let (app, _) = app();
        let (status, answer) = json(&app, "/token", JOB, "grant_type=client_credentials&scope=notes:write+admin").await;
        assert_eq!((status, &answer["scope"]), (StatusCode::OK, &json!("notes:write")), "{answer}");
        let token = answer["access_token"].as_str().unwrap();
        assert_eq!(call(&app, "add_note", token).await, 200);
        assert_eq!(call(&app, "delete_note", token).await, 403);
        // Another service has no tokens of its own, and a wrong secret is nobody's.
        assert_eq!(json(&app, "/token", REPORTS, "grant_type=client_credentials").await.0, 400);
        let wrong = JOB.replace("Zw==", "Zg==");
        assert_eq!(json(&app, "/token", &wrong, "grant_type=client_credentials").await.0, 401);
    }

    #[tokio::test]
    async fn reports_is_told_about_tokens_and_nobody_else_is() {
        let (app, _) = app();
        let (_, answer) = json(&app, "/token", JOB, "grant_type=client_credentials").await;
        let form = format!("token={}", answer["access_token"].as_str().unwrap());
        let (_, told) = json(&app, "/introspect", REPORTS, &form).await;
        assert_eq!((&told["active"], &told["scope"], &told["aud"]), (&json!(true), &json!("notes:write"), &json!(URL)));
        assert_eq!(json(&app, "/introspect", JOB, &form).await.1, json!({"active": false}));
        // Given back, it is good for nothing.
        assert_eq!(post(&app, "/revoke", &[("authorization", JOB)], &form).await.0, 200);
        assert_eq!(json(&app, "/introspect", REPORTS, &form).await.1, json!({"active": false}));
    }

    #[tokio::test]
    async fn whoever_is_head_no_more_may_grant_less_at_once() {
        let (app, staff) = app();
        staff.hire("1001", "Alice", "a long pass phrase", false).unwrap();
        let (_, page) = log_in(&app, "1001", "a long pass phrase").await;
        assert!(page.contains("scope:notes:write") && !page.contains("scope:admin"), "{page}");
    }
}
