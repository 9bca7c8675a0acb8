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

use crate::deployment::{Place, notebook_at};

/// How long a token is valid.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

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
        place: Place,
    },
    /// End one: its tokens are refused within a second.
    Revoke {
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List { sub, place } => {
            let desk = Desk::open(&place).await?;
            match sub {
                Some(sub) => desk.list(&sub).await?,
                None => desk.list_all().await?,
            }
        }
        Command::Revoke { id, place } => {
            let desk = Desk::open(&place).await?;
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
    let desk = Desk::open(place).await?;
    let (provider, account) = desk.account(sub).await?;
    let scopes = scope.split_whitespace();
    println!("{}", desk.authorization()?.mint(provider, &account, scopes, TOKEN_LIFE).await?);
    Ok(())
}

/// The server's store with nobody served.
struct Desk {
    server: Server,
    users: LocalUsers,
}

impl Desk {
    async fn open(place: &Place) -> Result<Self, Box<dyn Error>> {
        let deployment = place.data.open().await?;
        let authorization = deployment.authorization_server()?.login(Scripts);
        let server = notebook_at(&place.url(place.addr)).authorization_server(authorization).build()?;
        let desk = Self { server, users: deployment.users };
        desk.authorization()?.ready().await?;
        Ok(desk)
    }

    fn authorization(&self) -> Result<&AuthorizationServer, &'static str> {
        self.server.authorization_server().ok_or("there is no authorization server")
    }

    /// How somebody is known: as a user, or else as a script.
    async fn account(&self, sub: &str) -> Result<(&'static str, String), Box<dyn Error>> {
        Ok(match self.users.get(sub).await? {
            Some(user) => ("local", user.id),
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
                self.print(&user.name, "local", &user.id).await?;
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
