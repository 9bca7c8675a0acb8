//! `/login`: the page, and what was entered.

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use http::{Method, StatusCode};
use tokio::time::timeout;

use super::{authorize::framed, callback::provider_is_down, connect::label_for};
use crate::{
    auth::ClientAddress,
    caught::{catch, caught},
    in_time::in_time,
    oauth::{
        Account, Core, LoginError, LoginForm, LoginPage, LoginProblem, LoginProvider,
        browser::{Bound, Cookie, Dress, Purpose, is_framed, is_from_own_page, page, retry_after, secret, see_other},
        clients::{Client, Origin},
        error::{ErrorCode, OAuthError},
        limits::Route,
        login::{Waiter, federated::FederatedLogin},
        pages::{
            self,
            federated::{Asker, Choice, Reason},
        },
        people::{
            Device, Session,
            attempts::{self, Going, Purpose as Goal},
            subject_of,
        },
        request::{AuthorizationRequest, By, Obstacle, Sent, go_on, login_leads_to, own_url, sole},
        visit::{Form, Visit},
    },
};

/// How long a provider may take to judge what was entered.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn handle(core: Arc<Core>, mut visit: Visit) -> Response {
    let answer = match visit.parts.method {
        Method::POST => enter(&core, &mut visit).await,
        _ => show(&core, Sent::of(&visit.parts, visit.address)).await,
    };
    answer.unwrap_or_else(|obstacle| obstacle.answer(&core))
}

async fn show(core: &Core, sent: Sent<'_>) -> Result<Response, Obstacle> {
    core.limits.charge(Route::Authorize, sent.address)?;
    if is_framed(sent.headers) {
        return Ok(framed(core));
    }
    check(core, sent).await?;
    let provider = provider(core, sent)?;
    let known = Cookie::Visit.of(core, sent.headers).filter(|value| value.len() == 43);
    let holder = known.map_or_else(secret, |known| Ok(known.to_owned()))?;
    let mut response = match provider.federated() {
        Some(_) => choice(core, sent, &holder).await?,
        None => form_page(core, sent, provider, &holder, None)?,
    };
    if known.is_none() {
        Cookie::Visit.set(core, &mut response, &holder, None);
    }
    Ok(response)
}

/// Nobody logs in for a request that leads nowhere. What only a person's request may find out is found out later.
async fn check(core: &Core, sent: Sent<'_>) -> Result<(), Obstacle> {
    if login_leads_to(sent.query) == "/connect" {
        return Ok(label_for(core, sent.query).map(drop)?);
    }
    match AuthorizationRequest::read(core, sent, By::Stranger).await {
        Ok(_) | Err(Obstacle::Later) => Ok(()),
        Err(obstacle) => Err(obstacle),
    }
}

/// The one that the address names, or the first.
fn provider<'c>(core: &'c Core, sent: Sent<'_>) -> Result<&'c dyn LoginProvider, Obstacle> {
    let named = sole(sent.query, "provider");
    let unknown = OAuthError::new(ErrorCode::InvalidRequest, "there is no such way to log in");
    let mut logins = core.logins.iter().map(|login| &**login);
    logins.find(|login| named.as_ref().is_none_or(|name| login.name() == name)).ok_or(Obstacle::Page(unknown))
}

/// What is shown before anything goes to another provider.
async fn choice(core: &Core, sent: Sent<'_>, holder: &str) -> Result<Response, Obstacle> {
    let others: Vec<(&str, String)> = core
        .logins
        .iter()
        .filter(|login| login.federated().is_none())
        .map(|other| (other.label(), own_url(core, "/login", &with_provider(sent.query, other.name()))))
        .collect();
    let button = |login: &dyn LoginProvider| {
        let query = with_provider(sent.query, login.name());
        (own_url(core, "/login", &query), form_of(holder, &query).token(core))
    };
    let federated = core.logins.iter().filter(|login| login.federated().is_some());
    let providers = federated.map(|login| {
        let (action, token) = button(&**login);
        (login.label(), action, token)
    });
    let (client_id, redirect_uri) = (sole(sent.query, "client_id"), sole(sent.query, "redirect_uri"));
    let (client_id, redirect_uri) = (client_id.unwrap_or_default(), redirect_uri.unwrap_or_default());
    let client = core.clients.known(core, &client_id).await?;
    let reason = if login_leads_to(sent.query) == "/connect" {
        Reason::Tools(label_for(core, sent.query)?)
    } else {
        Reason::App(asker(client.as_ref(), &client_id), &redirect_uri)
    };
    let choice = Choice { server: &core.name, reason, providers: providers.collect(), others: &others };
    Ok(page(StatusCode::OK, choice.render(), Dress::Onward))
}

fn asker<'a>(client: Option<&'a Client>, id: &'a str) -> Asker<'a> {
    match client.map(|client| (client.origin, client)) {
        Some((Origin::Operator, client)) => Asker::Operator(&client.name),
        Some((Origin::Dynamic, _)) => Asker::Dynamic,
        Some((Origin::Document, _)) | None => Asker::Document(id),
    }
}

/// Somebody clicked: now, and not before, they go to another provider.
async fn depart(
    core: &Core,
    sent: Sent<'_>,
    (provider, federated): (&dyn LoginProvider, &dyn FederatedLogin),
    holder: &str,
) -> Result<Response, Obstacle> {
    let login_again = sole(sent.query, "prompt")
        .is_some_and(|prompt| prompt.split(' ').any(|word| matches!(word, "login" | "select_account")));
    core.limits.charge(Route::Depart, sent.address)?;
    let for_tools = !federated.access().is_empty();
    let going = Going { provider: provider.name(), holder, login_again, for_tools };
    let trip = attempts::begin(core, going, Goal::LogIn { query: sent.query.to_owned() }).await?;
    let there = in_time(PATIENCE, caught(federated.depart(&trip))).await.flatten();
    let there = there.unwrap_or(Err(LoginError::Unavailable)).ok().and_then(|url| see_other(&url));
    Ok(there.unwrap_or_else(|| {
        tracing::warn!(provider = provider.name(), "a provider cannot be gone to");
        provider_is_down(core, provider.label())
    }))
}

fn form_of<'a>(holder: &'a str, query: &'a str) -> Bound<'a> {
    Bound { purpose: Purpose::Login, holder, query, shown: "" }
}

fn form_page(
    core: &Core,
    sent: Sent<'_>,
    provider: &dyn LoginProvider,
    holder: &str,
    problem: Option<LoginProblem>,
) -> Result<Response, Obstacle> {
    let query = sent.query;
    let (token, nonce) = (form_of(holder, query).token(core), secret()?);
    let others: Vec<(&str, String)> = core
        .logins
        .iter()
        .filter(|other| other.name() != provider.name())
        .map(|other| (other.label(), own_url(core, "/login", &with_provider(query, other.name()))))
        .collect();
    let (action, hidden) = (own_url(core, "/login", query), [("token", &*token)]);
    let contents = LoginPage::new(&core.name, &action).hidden(&hidden).others(&others).nonce(&nonce);
    let contents = match problem {
        Some(problem) => contents.problem(problem),
        None => contents,
    };
    let Some(html) = catch(|| provider.page(&contents)) else {
        tracing::error!(provider = provider.name(), "the login page panicked");
        return Ok(pages::error::unavailable(core, 5));
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(LoginProblem::Denied) => StatusCode::FORBIDDEN,
        Some(LoginProblem::TooManyTries { .. }) => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = page(status, html, Dress::Foreign { nonce: &nonce });
    if let Some(LoginProblem::TooManyTries { wait_secs }) = problem {
        retry_after(&mut response, wait_secs);
    }
    Ok(response)
}

fn with_provider(query: &str, name: &str) -> String {
    let others = query.split('&').filter(|pair| !pair.starts_with("provider="));
    others.chain([&*format!("provider={name}")]).collect::<Vec<_>>().join("&")
}

async fn enter(core: &Core, visit: &mut Visit) -> Result<Response, Obstacle> {
    core.limits.charge(Route::Login, visit.address)?;
    if !is_from_own_page(core, &visit.parts.headers) {
        return Ok(pages::error::wrong_form(core));
    }
    let form = visit.form().await?;
    let sent = Sent::of(&visit.parts, visit.address);
    let Some(holder) = Cookie::Visit.of(core, sent.headers) else { return Ok(pages::error::wrong_form(core)) };
    if !form_of(holder, sent.query).is_token(core, form.get("token")) {
        return Ok(pages::error::wrong_form(core));
    }
    check(core, sent).await?;
    let provider = provider(core, sent)?;
    if let Some(federated) = provider.federated() {
        return depart(core, sent, (provider, federated.0), holder).await;
    }
    let mut form = entered(&form, sent.address);
    let Some(counted_as) = catch(|| provider.counted_as(&form)) else { return Ok(pages::error::unavailable(core, 5)) };
    let counted_as = (provider.name(), &*counted_as);
    let device = Device::of(core, sent.headers, counted_as).await;
    form.waiter.is_known = device.is_some();
    let attempt = match core.backoff.attempt(counted_as, sent.address, device) {
        Ok(attempt) => attempt,
        Err(seconds) => {
            let problem = LoginProblem::TooManyTries { wait_secs: seconds.max(1) };
            return form_page(core, sent, provider, holder, Some(problem));
        }
    };
    match judge(provider, &form).await {
        Ok(account) => {
            attempt.forgive();
            let subject = subject_of(core, provider.name(), &account.id).await?;
            let mut response = welcome(core, sent, (provider.name(), &subject), &account).await?;
            if let Some((device, seconds)) = Device::cookie(core, counted_as, &subject, &account) {
                Cookie::Device.set(core, &mut response, &device, Some(seconds));
            }
            Cookie::Visit.clear(core, &mut response);
            Ok(response)
        }
        Err(LoginError::Denied) => form_page(core, sent, provider, holder, Some(LoginProblem::Denied)),
        Err(_) => {
            // No password was looked at.
            attempt.forgive();
            Ok(pages::error::unavailable(core, 5))
        }
    }
}

fn entered(form: &Form, address: ClientAddress) -> LoginForm {
    let own = form.fields().filter(|(name, _)| *name != "token");
    LoginForm::new(own).sent_by(Waiter { address, is_known: false })
}

async fn judge(provider: &dyn LoginProvider, form: &LoginForm) -> Result<Account, LoginError> {
    match timeout(PATIENCE, caught(provider.log_in(form))).await {
        Ok(Some(judged)) => judged,
        Ok(None) => {
            tracing::error!(provider = provider.name(), "the login panicked");
            Err(LoginError::Unavailable)
        }
        Err(_) => {
            tracing::error!(provider = provider.name(), "the login took longer than 30 seconds");
            Err(LoginError::Unavailable)
        }
    }
}

/// Under a new session, so that nobody can have known its id before; and back to what was asked.
pub(super) async fn welcome(
    core: &Core,
    sent: Sent<'_>,
    (provider, subject): (&str, &str),
    account: &Account,
) -> Result<Response, OAuthError> {
    core.undeclared.tell(core, provider, account);
    let session = Session::begin(core, sent.headers, (subject, provider, account), sent.query).await?;
    let mut response = go_on(core, login_leads_to(sent.query), sent.query);
    Session::hand_over(core, &mut response, &session);
    tracing::info!(provider, subject, "somebody logged in");
    Ok(response)
}
