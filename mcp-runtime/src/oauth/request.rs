//! What a client asks for at `/authorize`, checked from scratch at every step on the way to a code: nothing is kept
//! between the steps but the request itself.

use axum::response::Response;
use http::{HeaderMap, StatusCode, request::Parts};

use super::{
    Core,
    browser::{redirect, see_other},
    clients::{Client, Clients, GrantType, Origin, redirect as redirects},
    error::{ErrorCode, OAuthError},
    pages,
    pkce::is_challenge,
    visit::Form,
};
use crate::auth::ClientAddress;

/// The longest `state`, in bytes.
const MAX_STATE: usize = 2_048;

/// The longest query, in bytes.
const MAX_QUERY: usize = 8 * 1_024;

/// What of an HTTP request counts at every step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<'v> {
    pub(crate) headers: &'v HeaderMap,
    /// The authorization request as the client sent it, which every step on the way carries along.
    pub(crate) query: &'v str,
    pub(crate) address: ClientAddress,
}

impl<'v> Sent<'v> {
    pub(crate) fn of(parts: &'v Parts, address: ClientAddress) -> Self {
        Self { headers: &parts.headers, query: parts.uri.query().unwrap_or_default(), address }
    }
}

/// A request that can be put before a person.
pub(crate) struct AuthorizationRequest {
    pub(crate) client: Client,
    pub(crate) resource: String,
    pub(crate) challenge: String,
    /// What is asked for and known here, as far as the client may have it.
    pub(crate) scopes: Vec<String>,
    pub(crate) prompt: Prompt,
    pub(crate) back: Back,
}

/// Where answers go (RFC 6749 §4.1.2): with the state as it came, and with our name (RFC 9207).
#[derive(Debug, Clone)]
pub(crate) struct Back {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    /// The operator vouches for the client, or it is a program on the person's own machine.
    is_trusted: bool,
}

/// How the person must be asked (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Prompt {
    /// Not at all.
    pub(crate) none: bool,
    /// For the password, also if somebody is logged in.
    pub(crate) login: bool,
    /// For consent, also if it was given.
    pub(crate) consent: bool,
}

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Anybody's: nothing is fetched for it.
    Stranger,
    /// Of somebody who is logged in: the document of a client may be fetched.
    Person,
}

/// Why there is no request to put before anybody.
pub(crate) enum Obstacle {
    /// The client is one that is looked at after the login.
    Later,
    /// There is nowhere to send the person: never to a place that is not the client's.
    Page(OAuthError),
    /// The client is told.
    Client(Back, Refusal),
}

/// The words for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

impl Refusal {
    pub(crate) const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    pub(crate) const DENIED: Self = Self::new("access_denied", "the person did not allow it");
    pub(crate) const LOGIN_REQUIRED: Self = Self::new("login_required", "nobody is logged in");
    pub(crate) const CONSENT_REQUIRED: Self = Self::new("consent_required", "the person must be asked");
}

impl From<&OAuthError> for Refusal {
    fn from(error: &OAuthError) -> Self {
        Self::new(error.code.as_str(), error.description)
    }
}

impl Back {
    /// The person goes back to the client with this, after a form or without one.
    fn with(&self, core: &Core, status: StatusCode, fields: &[(&str, &str)]) -> Response {
        let mut answer = form_urlencoded::Serializer::new(String::new());
        answer.extend_pairs(fields).extend_pairs(self.state.as_ref().map(|state| ("state", state)));
        answer.append_pair("iss", &core.issuer);
        let mark = if self.redirect_uri.contains('?') { '&' } else { '?' };
        let location = format!("{}{mark}{}", self.redirect_uri, answer.finish());
        redirect(status, &location).unwrap_or_else(|| pages::error::wrong_link(core, "its own address is not one"))
    }

    pub(crate) fn refused(&self, core: &Core, refusal: Refusal) -> Response {
        let fields = [("error", refusal.error), ("error_description", refusal.description)];
        self.with(core, StatusCode::SEE_OTHER, &fields)
    }

    pub(crate) fn granted(&self, core: &Core, status: StatusCode, code: &str) -> Response {
        self.with(core, status, &[("code", code)])
    }
}

impl Obstacle {
    /// Tells the client; but nobody is sent to a place that anybody could have registered before it is known that somebody
    /// is there who logged in: a link to us would be one to wherever its author likes (RFC 9700 §4.11.2).
    pub(crate) fn told(back: Back, refusal: Refusal, by: By) -> Self {
        if by == By::Person || back.is_trusted { Self::Client(back, refusal) } else { wrong(refusal.description) }
    }

    /// What the person sees, or where they go.
    pub(crate) fn answer(self, core: &Core) -> Response {
        match self {
            Self::Page(error) => pages::error::of(core, &error),
            Self::Client(back, refusal) => back.refused(core, refusal),
            Self::Later => pages::error::wrong_link(core, "nobody is logged in, and it must not ask"),
        }
    }
}

impl From<OAuthError> for Obstacle {
    fn from(error: OAuthError) -> Self {
        Self::Page(error)
    }
}

/// An address of ours that carries the same request.
pub(crate) fn own_url(core: &Core, path: &str, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{path}{mark}{query}", core.issuer)
}

/// What somebody logs in for: to answer a client's request, or to go on with a link that a tool gave them.
pub(crate) fn login_leads_to(query: &str) -> &'static str {
    if sole(query, "ticket").is_some() && sole(query, "client_id").is_none() { "/connect" } else { "/authorize" }
}

/// The same request, for somebody else: who has logged out is not to be logged in again by whoever still knows them
/// elsewhere.
pub(crate) fn for_another(query: &str) -> String {
    let asked = sole(query, "prompt").unwrap_or_default();
    let others = asked.split(' ').filter(|word| matches!(*word, "consent" | "login"));
    let prompt = others.chain(["select_account"]).collect::<Vec<_>>().join("%20");
    let rest = query.split('&').filter(|pair| !pair.starts_with("prompt="));
    rest.chain([&*format!("prompt={prompt}")]).collect::<Vec<_>>().join("&")
}

pub(crate) fn go_on(core: &Core, path: &str, query: &str) -> Response {
    see_other(&own_url(core, path, query))
        .unwrap_or_else(|| pages::error::wrong_link(core, "it cannot be written down"))
}

impl AuthorizationRequest {
    /// Reads and checks all of it. First who asks and where to answer, because until that is certain nobody is sent
    /// anywhere (RFC 6749 §4.1.2.1); then everything else, of which the client is told.
    pub(crate) async fn read(core: &Core, sent: Sent<'_>, by: By) -> Result<Self, Obstacle> {
        let query = sent.query;
        if query.len() > MAX_QUERY {
            return Err(wrong("the request is too long"));
        }
        let id = sole(query, "client_id").ok_or_else(|| wrong("it does not say once which app it is"))?;
        let redirect_uri =
            sole(query, "redirect_uri").ok_or_else(|| wrong("it does not say once where to go back to"))?;
        let client = client_of(core, sent.address, by, &id).await?;
        if !redirects::is_registered(&client, &redirect_uri) {
            return Err(wrong("the address to go back to is not one of the app's"));
        }
        let state = sole(query, "state").filter(|state| state.len() <= MAX_STATE);
        let is_trusted = client.origin == Origin::Operator || redirects::is_loopback(&redirect_uri);
        let back = Back { redirect_uri, state, is_trusted };
        Self::rest(core, query, client, &back).map_err(|refusal| Obstacle::told(back, refusal, by))
    }

    fn rest(core: &Core, query: &str, client: Client, back: &Back) -> Result<Self, Refusal> {
        let told = |error: OAuthError| Refusal::from(&error);
        let form = Form::parse(query).map_err(told)?;
        if form.get("state").is_some_and(|state| Some(state) != back.state.as_deref()) {
            return Err(Refusal::new("invalid_request", "state is longer than 2048 bytes"));
        }
        check_kind(&form, &client)?;
        let challenge = challenge(&form)?;
        let prompt = Prompt::read(&form)?;
        let resource = core.resource_of(&form).map_err(told)?;
        let known = core.grantable(form.get("scope")).map_err(told)?;
        let scopes = core.within(&known, &client.scopes);
        if scopes.is_empty() && form.get("scope").is_some() {
            return Err(Refusal::new("invalid_scope", "this client can have none of these scopes here"));
        }
        Ok(Self { client, resource, challenge, scopes, prompt, back: back.clone() })
    }
}

async fn client_of(core: &Core, address: ClientAddress, by: By, id: &str) -> Result<Client, Obstacle> {
    let found = match by {
        By::Stranger => core.clients.known(core, id).await?,
        By::Person => core.clients.resolve(core, id, address).await?,
    };
    match found {
        Some(client) => Ok(client),
        None if by == By::Stranger && Clients::is_document_id(id) => Err(Obstacle::Later),
        None => Err(wrong("this server does not know the app")),
    }
}

/// A parameter that is there exactly once and not empty, in a query that may be wrong otherwise.
pub(crate) fn sole(query: &str, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let (_, value) = values.next()?;
    (values.next().is_none() && !value.is_empty() && !value.contains('\u{fffd}')).then(|| value.into_owned())
}

fn wrong(what: &'static str) -> Obstacle {
    Obstacle::Page(OAuthError::new(ErrorCode::InvalidRequest, what))
}

fn check_kind(form: &Form, client: &Client) -> Result<(), Refusal> {
    let refuse = |error, description| Err(Refusal::new(error, description));
    if form.get("request").is_some() {
        return refuse("request_not_supported", "request objects are not read here");
    }
    if form.get("request_uri").is_some() {
        return refuse("request_uri_not_supported", "request objects are not fetched");
    }
    match form.get("response_type") {
        Some("code") => {}
        None => return refuse("invalid_request", "response_type is missing"),
        Some(_) => return refuse(ErrorCode::UnsupportedResponseType.as_str(), "response_type must be code"),
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return refuse("invalid_request", "response_mode must be query, or absent");
    }
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return refuse("unauthorized_client", "this client may not ask people");
    }
    Ok(())
}

/// PKCE is not an option, and `plain` is none (OAuth 2.1 §4.1.1, §7.5.2).
fn challenge(form: &Form) -> Result<String, Refusal> {
    let refuse = |description| Err(Refusal::new("invalid_request", description));
    let Some(challenge) = form.get("code_challenge") else { return refuse("code_challenge is missing") };
    if form.get("code_challenge_method") != Some("S256") {
        return refuse("code_challenge_method must be S256");
    }
    if !is_challenge(challenge) {
        return refuse("code_challenge must be 43 characters of base64url");
    }
    Ok(challenge.to_owned())
}

impl Prompt {
    fn read(form: &Form) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        let words: Vec<&str> = form.get("prompt").unwrap_or_default().split(' ').filter(|it| !it.is_empty()).collect();
        for word in &words {
            match *word {
                "none" => prompt.none = true,
                // Another account is chosen by logging in with it.
                "login" | "select_account" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => {}
            }
        }
        if prompt.none && words.len() > 1 {
            return Err(Refusal::new("invalid_request", "prompt=none stands alone"));
        }
        Ok(prompt)
    }
}
