//! `/connect`: somebody lets tools use their account at another provider. Nothing goes there before it is certain that
//! whoever is at the browser is the very person in whose name a tool was called, and before they have clicked.

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use http::{Method, StatusCode};

use super::{authorize::framed, callback::provider_is_down};
use crate::{
    caught::caught,
    in_time::in_time,
    oauth::{
        Core, LoginProvider,
        browser::{Bound, Cookie, Dress, Purpose, is_framed, is_from_own_page, page, secret, see_other},
        error::{ErrorCode, OAuthError},
        limits::Route,
        login::federated::{Arrived, FederatedLogin},
        pages::{
            self,
            connect::{Asked, Connected},
        },
        people::{
            SignedIn,
            attempts::{self, Going, Purpose as Goal},
            vault,
        },
        request::{Obstacle, Sent, go_on, own_url, sole},
        upstream::ticket::{self, Standing},
        visit::Visit,
    },
};

/// How long a provider may take to say where to go.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn handle(core: Arc<Core>, mut visit: Visit) -> Response {
    let answer = match visit.parts.method {
        Method::POST => go(&core, &mut visit).await,
        _ => show(&core, Sent::of(&visit.parts, visit.address)).await,
    };
    answer.unwrap_or_else(|obstacle| obstacle.answer(&core))
}

/// Somebody who followed the link that a tool gave to them.
struct Follower<'c> {
    person: SignedIn,
    login: &'c dyn LoginProvider,
    federated: &'c dyn FederatedLogin,
    /// The id of the account that is connected already, in which tools may not see anything of another.
    before: Option<String>,
}

impl<'c> Follower<'c> {
    /// Or the page that says why not.
    async fn of(core: &'c Core, sent: Sent<'_>) -> Result<Result<Self, Response>, OAuthError> {
        let name = sole(sent.query, "at").unwrap_or_default();
        let Some((login, federated)) = used_by_tools(core, &name) else {
            return Ok(Err(pages::error::wrong_link(core, NOTHING_THERE)));
        };
        let Some(person) = SignedIn::of(core, sent.headers).await? else { return Ok(Err(log_in_first(core))) };
        let place = (&*person.session.subject, &*name);
        let ticket = sole(sent.query, "ticket").unwrap_or_default();
        match ticket::judge(core, &ticket, place) {
            Standing::Good => {}
            Standing::Over => return Ok(Err(too_late(core))),
            Standing::Foreign => {
                tracing::warn!(provider = name, "a link to connect an account was opened by somebody else");
                return Ok(Err(somebody_else(core)));
            }
        }
        let before = vault::kept(core, place).await?.map(|kept| kept.account);
        Ok(Ok(Self { person, login, federated, before }))
    }

    /// What the form is good for.
    fn form<'a>(&'a self, query: &'a str) -> Bound<'a> {
        let shown = self.before.as_deref().unwrap_or_default();
        Bound { purpose: Purpose::Connect, holder: &self.person.id, query, shown }
    }
}

async fn show(core: &Core, sent: Sent<'_>) -> Result<Response, Obstacle> {
    core.limits.charge(Route::Authorize, sent.address)?;
    if is_framed(sent.headers) {
        return Ok(framed(core));
    }
    if SignedIn::of(core, sent.headers).await?.is_none() {
        label_for(core, sent.query)?;
        return Ok(go_on(core, "/login", sent.query));
    }
    let follower = match Follower::of(core, sent).await? {
        Ok(follower) => follower,
        Err(page) => return Ok(page),
    };
    let asked = Asked {
        server: &core.name,
        account: &follower.person.account.name,
        provider: follower.login.label(),
        access: follower.federated.access().iter().map(|scope| &*scope.description).collect(),
        replaces: follower.before.is_some(),
        action: own_url(core, "/connect", sent.query),
        token: follower.form(sent.query).token(core),
    };
    Ok(page(StatusCode::OK, asked.render(), Dress::Onward))
}

/// A provider with whose accounts tools work.
fn used_by_tools<'c>(core: &'c Core, name: &str) -> Option<(&'c dyn LoginProvider, &'c dyn FederatedLogin)> {
    let login = core.provider(name)?;
    core.used_by_tools.iter().any(|used| used == name).then_some((login, login.federated()?.0))
}

const NOTHING_THERE: &str = "no tool works with accounts there";

/// The label of the provider, for a page on which somebody logs in to go on with such a link.
pub(super) fn label_for<'c>(core: &'c Core, query: &str) -> Result<&'c str, OAuthError> {
    let wrong = |what| OAuthError::new(ErrorCode::InvalidRequest, what);
    let (login, _) = used_by_tools(core, &sole(query, "at").unwrap_or_default()).ok_or_else(|| wrong(NOTHING_THERE))?;
    let ticket = sole(query, "ticket").unwrap_or_default();
    let over = || wrong("its link to connect an account is not valid, or older than 10 minutes");
    ticket::is_plausible(core, &ticket).then_some(login.label()).ok_or_else(over)
}

/// Somebody clicked: now, and not before, they go to the provider.
async fn go(core: &Core, visit: &mut Visit) -> Result<Response, Obstacle> {
    core.limits.charge(Route::Login, visit.address)?;
    if !is_from_own_page(core, &visit.parts.headers) {
        return Ok(pages::error::wrong_form(core));
    }
    let form = visit.form().await?;
    let sent = Sent::of(&visit.parts, visit.address);
    let follower = match Follower::of(core, sent).await? {
        Ok(follower) => follower,
        Err(page) => return Ok(page),
    };
    if !follower.form(sent.query).is_token(core, form.get("token")) {
        return Ok(pages::error::wrong_form(core));
    }
    let subject = &follower.person.session.subject;
    core.limits.charge_key(Route::Login, subject)?;
    let known = Cookie::Visit.of(core, sent.headers).filter(|value| value.len() == 43);
    let holder = known.map_or_else(secret, |known| Ok(known.to_owned()))?;
    let Follower { login, federated, .. } = follower;
    let going = Going { provider: login.name(), holder: &holder, login_again: false, for_tools: true };
    let trip = attempts::begin(core, going, Goal::Connect { subject: subject.clone() }).await?;
    let there = in_time(PATIENCE, caught(federated.depart(&trip))).await.flatten().and_then(Result::ok);
    let Some(mut response) = there.and_then(|url| see_other(&url)) else {
        tracing::warn!(provider = login.name(), "a provider cannot be gone to");
        return Ok(provider_is_down(core, login.label()));
    };
    if known.is_none() {
        Cookie::Visit.set(core, &mut response, &holder, None);
    }
    Ok(response)
}

/// Whoever is at the browser, if it is still the one who clicked.
pub(super) async fn follower_of(
    core: &Core,
    sent: Sent<'_>,
    subject: &str,
) -> Result<Result<SignedIn, Response>, OAuthError> {
    let person = SignedIn::of(core, sent.headers).await?;
    Ok(person.filter(|person| person.session.subject == subject).ok_or_else(|| somebody_else(core)))
}

/// They came back with an account: from now on tools work with it.
pub(super) async fn connected(
    core: &Core,
    login: &dyn LoginProvider,
    person: &SignedIn,
    arrived: &Arrived,
) -> Result<Response, OAuthError> {
    let (name, session) = (login.name(), &person.session);
    let place = (&*session.subject, name);
    // The tokens of the account that somebody logs in with are also what it is looked up with.
    let same = |login: &dyn FederatedLogin| login.judge(&arrived.id, &arrived.claims).ok().map(|account| account.id);
    if session.provider == name && core.federated(name).and_then(same).as_ref() != Some(&session.account_id) {
        return Ok(another_account(core, login.label()));
    }
    let Some(tokens) = &arrived.tokens else {
        tracing::warn!(provider = name, "a provider gives no tokens that tools could use");
        return Ok(provider_is_down(core, login.label()));
    };
    let before = vault::kept(core, place).await?;
    vault::keep(core, place, &arrived.id, tokens).await?;
    tracing::info!(provider = name, subject = session.subject, "somebody connected an account");
    let connected = Connected {
        server: &core.name,
        provider: login.label(),
        replaced: before.is_some_and(|kept| kept.account != arrived.id),
    };
    Ok(page(StatusCode::OK, connected.render(), Dress::End))
}

fn log_in_first(core: &Core) -> Response {
    let text = "Nobody is logged in in this browser any more. Open the link again. Nothing was connected.";
    pages::error::respond(core, StatusCode::UNAUTHORIZED, "Log in first", text)
}

/// Says nothing of who it is for.
fn somebody_else(core: &Core) -> Response {
    let text = "It was made for somebody else than the person who is logged in in this browser. If you did not ask for it, \
                whoever sent it to you may want to use your account. Nothing was connected.";
    pages::error::respond(core, StatusCode::FORBIDDEN, "This link is not for you", text)
}

/// They came back without an account.
pub(super) fn not_connected(core: &Core, label: &str) -> Response {
    let text = format!("{label} did not say who you are. Go back to the app to try again. Nothing was connected.");
    pages::error::respond(core, StatusCode::FORBIDDEN, "Not connected", &text)
}

fn too_late(core: &Core) -> Response {
    let text =
        "It is good for 10 minutes. Go back to the app and try again: it gets another one. Nothing was connected.";
    pages::error::respond(core, StatusCode::FORBIDDEN, "This link is not valid any more", text)
}

fn another_account(core: &Core, label: &str) -> Response {
    let text = format!(
        "You log in here with {label}, and this is another account there. Go back to the app, try again, and choose the \
         account that you log in with. Nothing was connected."
    );
    pages::error::respond(core, StatusCode::FORBIDDEN, "Another account", &text)
}
