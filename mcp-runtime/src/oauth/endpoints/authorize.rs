//! `GET /authorize` (RFC 6749 §4.1.1): from a client's request to a login, to a question, or back with a code.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

#[cfg(feature = "dev-login")]
use crate::oauth::{AutoApprove, LoginProvider, people::subject_of};
use crate::oauth::{
    Core,
    browser::{Bound, Dress, Purpose, is_framed, page},
    clients::{Origin, redirect},
    error::OAuthError,
    limits::Route,
    pages::{
        self,
        consent::{Offer, Question, Standing},
    },
    people::{Consent, Eras, SignedIn},
    request::{AuthorizationRequest, By, Obstacle, Refusal, Sent, go_on, own_url, sole},
    tokens::codes::{self, Granted},
    visit::Visit,
};

pub(crate) async fn handle(core: Arc<Core>, visit: Visit) -> Response {
    if let Err(error) = core.limits.charge(Route::Authorize, visit.address) {
        return pages::error::of(&core, &error);
    }
    if is_framed(&visit.parts.headers) {
        return framed(&core);
    }
    if !core.has_logins() {
        let text = "Nobody can log in to this server: it gives tokens to programs of its operator only.";
        return pages::error::respond(&core, StatusCode::FORBIDDEN, "There is no login here", text);
    }
    let sent = Sent::of(&visit.parts, visit.address);
    #[cfg(feature = "dev-login")]
    if let Some(auto) = core.logins.iter().find_map(|login| AutoApprove::among(&**login)) {
        let answer = match AutoApprove::refusal(&core, &visit) {
            Some(why) => Ok(not_logged_in(&core, why)),
            None => approve(&core, sent, auto).await,
        };
        return answer.unwrap_or_else(|obstacle| obstacle.answer(&core));
    }
    answer(&core, sent).await.unwrap_or_else(|obstacle| obstacle.answer(&core))
}

/// Browsers are told not to show pages in frames; those that say what they ask for get none.
pub(super) fn framed(core: &Core) -> Response {
    pages::error::respond(core, StatusCode::FORBIDDEN, "Not here", "This page is not shown within another one.")
}

async fn answer(core: &Core, sent: Sent<'_>) -> Result<Response, Obstacle> {
    let Some((person, request)) = person_and_request(core, sent).await? else {
        return Ok(go_on(core, "/login", sent.query));
    };
    core.limits.charge_key(Route::Authorize, &person.session.subject)?;
    let verdict = Verdict::of(core, &person, &request).await?;
    if verdict.may_skip(&request) {
        return grant(core, &request, &person, verdict.allowed, verdict.eras).await.map_err(Into::into);
    }
    if request.prompt.none {
        // Also where nothing could be allowed: that is between the person and us.
        return Err(Obstacle::Client(request.back, Refusal::CONSENT_REQUIRED));
    }
    Ok(ask(core, sent.query, &person, &request, verdict))
}

/// Who is logged in and what is asked of them; `None` if somebody has to log in first.
pub(super) async fn person_and_request(
    core: &Core,
    sent: Sent<'_>,
) -> Result<Option<(SignedIn, AuthorizationRequest)>, Obstacle> {
    let person = SignedIn::of(core, sent.headers).await?;
    let by = if person.is_some() { By::Person } else { By::Stranger };
    let request = match AuthorizationRequest::read(core, sent, by).await {
        Err(Obstacle::Later) if sole(sent.query, "prompt").as_deref() != Some("none") => return Ok(None),
        read => read?,
    };
    match person.filter(|person| !request.prompt.login || person.answered(core, sent.query)) {
        Some(person) => Ok(Some((person, request))),
        None if request.prompt.none => Err(Obstacle::told(request.back, Refusal::LOGIN_REQUIRED, by)),
        None => Ok(None),
    }
}

/// What a person may allow of what is asked, and what they allowed before.
pub(super) struct Verdict {
    pub(super) allowed: Vec<String>,
    withheld: Vec<String>,
    given: Option<Consent>,
    /// Those from before it was looked up.
    pub(super) eras: Eras,
}

impl Verdict {
    pub(super) async fn of(core: &Core, person: &SignedIn, request: &AuthorizationRequest) -> Result<Self, OAuthError> {
        let allowed = core.within(&request.scopes, &person.account.scopes);
        let withheld = request.scopes.iter().filter(|scope| !allowed.contains(scope)).cloned().collect();
        let redirect_uri = &request.back.redirect_uri;
        let subject = &*person.session.subject;
        let (eras, _) = Eras::now(core, subject, &request.client.id).await?;
        let given = Consent::given(core, subject, &request.client, redirect_uri, eras).await?;
        Ok(Self { allowed, withheld, given, eras })
    }

    /// Only where the operator vouches for the client, and nobody else can be at the other end of the redirect: any program
    /// on the person's machine can listen on loopback or take a scheme, and say that it is another.
    fn may_skip(&self, request: &AuthorizationRequest) -> bool {
        let uri = &request.back.redirect_uri;
        let vouched =
            request.client.origin == Origin::Operator && uri.starts_with("https:") && !redirect::is_loopback(uri);
        let grantable = !self.allowed.is_empty() || request.scopes.is_empty();
        let given = self.given.as_ref().is_some_and(|given| self.allowed.iter().all(|it| given.scopes.contains(it)));
        vouched && grantable && given && !request.prompt.consent
    }

    fn standing(&self, scope: &str) -> Standing {
        match &self.given {
            None => Standing::First,
            Some(given) if given.scopes.contains(scope) => Standing::Allowed,
            Some(_) => Standing::Additional,
        }
    }
}

/// What the form on the consent page is good for.
pub(super) fn consent_form<'a>(person: &'a SignedIn, request: &'a AuthorizationRequest, query: &'a str) -> Bound<'a> {
    Bound { purpose: Purpose::Consent, holder: &person.id, query, shown: &request.client.metadata_hash }
}

fn ask(core: &Core, query: &str, person: &SignedIn, request: &AuthorizationRequest, verdict: Verdict) -> Response {
    let offer = |scope: &String| Offer {
        scope: scope.clone(),
        description: core.describe(scope),
        includes: core.catalogue.included(scope),
        standing: verdict.standing(scope),
    };
    let logout = Bound { purpose: Purpose::Logout, holder: &person.id, query, shown: "" };
    let question = Question {
        server: &core.name,
        account: &person.account.name,
        client: &request.client,
        redirect_uri: &request.back.redirect_uri,
        scopes: verdict.allowed.iter().map(offer).collect(),
        withheld: verdict.withheld,
        elsewhere: core.tools_access(),
        action: own_url(core, "/consent", query),
        token: consent_form(person, request, query).token(core),
        logout: (own_url(core, "/logout", query), logout.token(core)),
    };
    page(StatusCode::OK, question.render(), Dress::Onward)
}

/// Back to the client with a code.
pub(super) async fn grant(
    core: &Core,
    request: &AuthorizationRequest,
    person: &SignedIn,
    scopes: Vec<String>,
    eras: Eras,
) -> Result<Response, OAuthError> {
    let SignedIn { session, .. } = person;
    let code = issue(core, request, (&session.subject, eras), session.auth_time, scopes).await?;
    Ok(request.back.granted(core, StatusCode::SEE_OTHER, &code))
}

async fn issue(
    core: &Core,
    request: &AuthorizationRequest,
    (subject, eras): (&str, Eras),
    auth_time: u64,
    scopes: Vec<String>,
) -> Result<String, OAuthError> {
    core.clients.touch(core, &request.client).await?;
    let granted = Granted {
        client_id: request.client.id.clone(),
        redirect_uri: request.back.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        resource: request.resource.clone(),
        subject: subject.to_owned(),
        scopes,
        auth_time,
    };
    codes::issue(core, granted, eras).await
}

/// One redirect with a code and no question: headless clients follow exactly that, and keep no cookies.
#[cfg(feature = "dev-login")]
async fn approve(core: &Core, sent: Sent<'_>, auto: &AutoApprove) -> Result<Response, Obstacle> {
    let request = AuthorizationRequest::read(core, sent, By::Person).await?;
    if !redirect::is_loopback(&request.back.redirect_uri) {
        return Ok(not_logged_in(core, "This is only done for apps on this machine."));
    }
    let account = auto.account();
    let scopes = core.within(&request.scopes, &account.scopes);
    let subject = subject_of(core, auto.name(), &account.id).await?;
    let (eras, _) = Eras::now(core, &subject, &request.client.id).await.map_err(OAuthError::from)?;
    let code = issue(core, &request, (&subject, eras), core.records.now(), scopes).await?;
    Ok(request.back.granted(core, StatusCode::FOUND, &code))
}

#[cfg(feature = "dev-login")]
fn not_logged_in(core: &Core, why: &str) -> Response {
    pages::error::respond(core, StatusCode::FORBIDDEN, "Not logged in", why)
}
