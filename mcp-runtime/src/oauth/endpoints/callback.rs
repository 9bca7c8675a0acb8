//! `/callback/{provider}`: somebody comes back from another provider, or logs in on its page here.

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use http::{Method, StatusCode};

use super::{authorize::framed, connect, login::welcome};
use crate::{
    caught::caught,
    in_time::in_time,
    oauth::{
        Account, Core, LoginError, LoginProvider,
        browser::{
            Bound, Cookie, Dress, Purpose as FormPurpose, foreign_page, is_framed, is_from_own_page, page, secret,
        },
        error::OAuthError,
        limits::Route,
        login::federated::{Arrived, FederatedLogin, NotAdmitted, SignIn, Trip},
        pages,
        people::{
            accounts,
            attempts::{self, Attempt, Purpose, Stray, callback_of},
            federated_subject_of, once, vault,
        },
        request::{Obstacle, Sent, own_url},
        visit::{Form, Visit},
    },
    store::Row,
};

/// How long a provider may take to say who somebody is.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn handle(core: Arc<Core>, mut visit: Visit) -> Response {
    answer(&core, &mut visit).await.unwrap_or_else(|obstacle| obstacle.answer(&core))
}

/// A provider, with the name that it goes by here.
#[derive(Clone, Copy)]
struct Known<'c> {
    login: &'c dyn LoginProvider,
    federated: &'c dyn FederatedLogin,
}

async fn answer(core: &Core, visit: &mut Visit) -> Result<Response, Obstacle> {
    core.limits.charge(Route::Login, visit.address)?;
    if is_framed(&visit.parts.headers) {
        return Ok(framed(core));
    }
    let name = visit.parts.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let Some(known) = provider(core, &name) else { return Ok(stray(core)) };
    let is_form = visit.parts.method == Method::POST;
    let form = if is_form {
        if !is_from_own_page(core, &visit.parts.headers) {
            return Ok(pages::error::wrong_form(core));
        }
        visit.form().await?
    } else {
        Form::parse(visit.parts.uri.query().unwrap_or_default())?
    };
    let sent = Sent::of(&visit.parts, visit.address);
    let Some(state) = form.get("state") else { return Ok(stray(core)) };
    let holder = Cookie::Visit.of(core, sent.headers);
    let row = match attempts::look(core, state, &name, holder).await? {
        Ok(row) => row,
        Err(why) => return Ok(not_theirs(core, &name, why)),
    };
    let trip = row.record.trip(core, state.to_owned());
    if !is_form && let Some(shown) = sign_in(core, known, &trip, holder.unwrap_or_default()).await? {
        return Ok(shown);
    }
    if is_form && !own_form(holder.unwrap_or_default(), &trip).is_token(core, form.get("token")) {
        return Ok(pages::error::wrong_form(core));
    }
    come_back(core, sent, known, &row, (&trip, &form)).await
}

fn provider<'c>(core: &'c Core, name: &str) -> Option<Known<'c>> {
    let login = core.provider(name)?;
    Some(Known { login, federated: login.federated()?.0 })
}

/// What the form on a sign-in page of ours is good for.
fn own_form<'a>(holder: &'a str, trip: &'a Trip) -> Bound<'a> {
    Bound { purpose: FormPurpose::SignIn, holder, query: &trip.state, shown: "" }
}

/// The page of a provider whose people log in here.
async fn sign_in(core: &Core, known: Known<'_>, trip: &Trip, holder: &str) -> Result<Option<Response>, Obstacle> {
    let (token, nonce) = (own_form(holder, trip).token(core), secret()?);
    let action = callback_of(core, known.login.name());
    let hidden = [("state", &*trip.state), ("token", &*token)];
    let contents = SignIn { server: &core.name, action: &action, hidden: &hidden, nonce: &nonce, message: None };
    match in_time(PATIENCE, caught(known.federated.page(&contents))).await.flatten() {
        Some(None) => Ok(None),
        Some(Some(Ok(shown))) => Ok(Some(foreign_page(shown.html, &shown.policy))),
        Some(Some(Err(_))) | None => Ok(Some(unreachable_page(core, known))),
    }
}

async fn come_back(
    core: &Core,
    sent: Sent<'_>,
    known: Known<'_>,
    row: &Row<Attempt>,
    (trip, form): (&Trip, &Form),
) -> Result<Response, Obstacle> {
    let name = known.login.name();
    if !attempts::take(core, row).await? {
        return Ok(not_theirs(core, name, Stray::Unknown));
    }
    let purpose = &row.record.purpose;
    let follower = match purpose {
        Purpose::LogIn { .. } => None,
        Purpose::Connect { subject } => match connect::follower_of(core, sent, subject).await? {
            Ok(person) => Some(person),
            Err(page) => return Ok(page),
        },
    };
    let arrived = match in_time(PATIENCE, caught(known.federated.arrive(trip, form))).await {
        Some(Some(Ok(arrived))) => arrived,
        Some(Some(Err(LoginError::Denied))) => return Ok(not_logged_in(core, known, purpose, DENIED)),
        Some(Some(Err(LoginError::Unavailable))) => return Ok(unreachable_page(core, known)),
        Some(None) => {
            tracing::error!(provider = name, "a federated login panicked");
            return Ok(unreachable_page(core, known));
        }
        None => {
            tracing::warn!(provider = name, "a provider did not say in time who somebody is");
            return Ok(unreachable_page(core, known));
        }
    };
    if let Some(once) = &arrived.once
        && !once::use_up(core, name, once).await?
    {
        tracing::warn!(provider = name, "what was good once came again");
        return Ok(not_logged_in(core, known, purpose, DENIED));
    }
    match purpose {
        Purpose::LogIn { query } => {
            let account = match known.federated.judge(&arrived.id, &arrived.claims) {
                Ok(account) => account,
                Err(NotAdmitted { rule, why }) => {
                    tracing::info!(provider = name, rule, why, "somebody is not admitted");
                    return Ok(not_logged_in(core, known, purpose, NOT_ADMITTED));
                }
            };
            Ok(log_in(core, Sent { query, ..sent }, known, (&account, &arrived)).await?)
        }
        Purpose::Connect { .. } => match follower {
            Some(person) => Ok(connect::connected(core, known.login, &person, &arrived).await?),
            None => Ok(stray(core)),
        },
    }
}

async fn log_in(
    core: &Core,
    sent: Sent<'_>,
    known: Known<'_>,
    (account, arrived): (&Account, &Arrived),
) -> Result<Response, OAuthError> {
    let name = known.login.name();
    let email = known.federated.linked_email(&arrived.claims);
    accounts::remember(core, name, &account.id, arrived).await?;
    let subject = federated_subject_of(core, (name, &account.id), email.as_deref()).await?;
    match &arrived.tokens {
        Some(tokens) => vault::keep(core, (&subject, name), &arrived.id, tokens).await?,
        None => vault::forget(core, (&subject, name)).await?,
    }
    welcome(core, sent, (name, &subject), account).await
}

const DENIED: &str = "did not say who you are. Nothing was allowed.";
const NOT_ADMITTED: &str = "knows you, but your account there may not use this server. Ask whoever runs it.";

fn not_logged_in(core: &Core, known: Known<'_>, purpose: &Purpose, why: &str) -> Response {
    let again = match purpose {
        Purpose::LogIn { query } => own_url(core, "/login", query),
        Purpose::Connect { .. } => return connect::not_connected(core, known.login.label()),
    };
    let text = format!("{} {why}", known.login.label());
    page(StatusCode::FORBIDDEN, pages::federated::not_logged_in(&core.name, &text, &again), Dress::Onward)
}

pub(super) fn provider_is_down(core: &Core, label: &str) -> Response {
    let text = format!(
        "{label} cannot be reached right now. Go back to the app and try again in a moment. If it stays like this, whoever \
         runs this server finds the reason in its log."
    );
    let mut response = pages::error::respond(core, StatusCode::SERVICE_UNAVAILABLE, "Not right now", &text);
    crate::oauth::browser::retry_after(&mut response, 30);
    response
}

fn unreachable_page(core: &Core, known: Known<'_>) -> Response {
    provider_is_down(core, known.login.label())
}

/// Whatever is wrong, the page is the same: the difference would only help whoever brought the link.
fn not_theirs(core: &Core, provider: &str, why: Stray) -> Response {
    tracing::warn!(provider, ?why, "somebody came back from a provider to where they did not begin");
    stray(core)
}

fn stray(core: &Core) -> Response {
    let text = "This login was not begun in this browser, took too long, or was used already. Go back to the app and \
                start again.";
    pages::error::respond(core, StatusCode::FORBIDDEN, "This login is not valid any more", text)
}
