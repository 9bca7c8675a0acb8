//! Tokens, and what clients may do for somebody: the operator's side, from another process than the server's.

use std::{error::Error, time::Duration};

use clap::Subcommand;
use mcp_runtime::{
    Server, async_trait,
    oauth::{
        Account, AuthorizationServer, GrantInfo, LocalUsers, LoginError, LoginForm, LoginPage, LoginProvider,
        login::default_page,
    },
};

use crate::deployment::{Data, Place, notebook_at};

/// How long a token is valid.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// For what does not depend on the server's address.
pub(crate) const ANY_URL: &str = "http://127.0.0.1:8000/mcp";

/// How many users are read at once.
const PAGE: usize = 100;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List them: id, user, client, scopes.
    List {
        /// Of this user or script only; without this of all users.
        #[arg(long)]
        sub: Option<String>,
        #[command(flatten)]
        data: Data,
    },
    /// End one: its tokens are refused within a second.
    Revoke {
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List { sub, data } => {
            let desk = Desk::open(&data, ANY_URL).await?;
            match sub {
                Some(sub) => desk.list(&sub).await?,
                None => desk.list_all().await?,
            }
        }
        Command::Revoke { id, data } => {
            let desk = Desk::open(&data, ANY_URL).await?;
            if !desk.authorization()?.revoke_grant(&id).await? {
                return Err("there is no such grant".into());
            }
            println!("Revoked.");
        }
    }
    Ok(())
}

/// Prints a token and nothing else, for `$(…)`.
pub(crate) async fn print_token(place: &Place, sub: &str, scope: &str) -> Result<(), Box<dyn Error>> {
    println!("{}", mint(place, sub, scope).await?);
    Ok(())
}

pub(crate) async fn mint(place: &Place, sub: &str, scope: &str) -> Result<String, Box<dyn Error>> {
    let desk = Desk::open(&place.data, &place.url(place.addr)).await?;
    let (provider, account) = desk.account(sub).await?;
    Ok(desk.authorization()?.mint(provider, &account, scope.split_whitespace(), TOKEN_LIFE).await?)
}

/// Ends all that a user, who is about to go, has granted, and says how many grants that were.
pub(crate) async fn end_all_of(data: &Data, name: &str) -> Result<usize, Box<dyn Error>> {
    let desk = Desk::open(data, ANY_URL).await?;
    let Some(user) = desk.users.get(name).await? else { return Ok(0) };
    let authorization = desk.authorization()?;
    match authorization.subject_of(LocalUsers::NAME, &user.id).await? {
        Some(subject) => Ok(authorization.revoke_all_of(&subject).await?),
        None => Ok(0),
    }
}

/// The server's store with nobody served.
pub(crate) struct Desk {
    server: Server,
    users: LocalUsers,
}

impl Desk {
    pub(crate) async fn open(data: &Data, url: &str) -> Result<Self, Box<dyn Error>> {
        let deployment = data.open().await?;
        let authorization = deployment.authorization_server()?.login(Scripts);
        let server = notebook_at(url).authorization_server(authorization).build()?;
        let desk = Self { server, users: deployment.users };
        desk.authorization()?.ready().await?;
        Ok(desk)
    }

    pub(crate) fn authorization(&self) -> Result<&AuthorizationServer, &'static str> {
        self.server.authorization_server().ok_or("there is no authorization server")
    }

    /// How somebody is known: as a user, or else as a script.
    async fn account(&self, sub: &str) -> Result<(&'static str, String), Box<dyn Error>> {
        Ok(match self.users.get(sub).await? {
            Some(user) => (LocalUsers::NAME, user.id),
            None => (Scripts::NAME, sub.to_owned()),
        })
    }

    async fn list(&self, sub: &str) -> Result<(), Box<dyn Error>> {
        let (provider, account) = self.account(sub).await?;
        self.print(sub, provider, &account).await
    }

    async fn list_all(&self) -> Result<(), Box<dyn Error>> {
        let mut after = None;
        loop {
            let page = self.users.list(after.as_deref(), PAGE).await?;
            for user in &page {
                self.print(&user.name, LocalUsers::NAME, &user.id).await?;
            }
            match page.last() {
                Some(last) => after = Some(last.name.clone()),
                None => return Ok(()),
            }
        }
    }

    async fn print(&self, name: &str, provider: &str, account: &str) -> Result<(), Box<dyn Error>> {
        let authorization = self.authorization()?;
        // Nobody has logged in yet as somebody without a subject.
        let Some(subject) = authorization.subject_of(provider, account).await? else { return Ok(()) };
        for GrantInfo { id, client_id, scopes, .. } in authorization.grants_of(&subject).await? {
            println!("{id}\t{name}\t{client_id}\t{}", scopes.join(" "));
        }
        Ok(())
    }
}

/// Who is no user and gets tokens from the command line only. The server does not have this login.
struct Scripts;

impl Scripts {
    const NAME: &str = "script";
}

#[async_trait]
impl LoginProvider for Scripts {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn page(&self, page: &LoginPage<'_>) -> String {
        default_page(page)
    }

    async fn log_in(&self, _: &LoginForm) -> Result<Account, LoginError> {
        Err(LoginError::Denied)
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
        Ok(Some(Account::new(id, id).all_scopes()))
    }
}
