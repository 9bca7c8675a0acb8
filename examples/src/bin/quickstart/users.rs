//! Who can log in, changed while the server runs: changes count at once.

use std::{
    error::Error,
    io::{BufRead, IsTerminal, Read},
};

use clap::Subcommand;
use examples::notebook;
use mcp_runtime::oauth::{LocalUsers, UserError};

use crate::{deployment::Data, grants};

/// Letters and digits that nobody confuses, 32 of them: five bits each.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many users are read at once.
const PAGE: usize = 100;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a user, and show a random password for it.
    Add {
        name: String,
        /// What the user may grant at most, separated by spaces; without this everything.
        #[arg(long)]
        scopes: Option<String>,
        /// Read the password from standard input instead.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        data: Data,
    },
    /// List the users.
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Give a user another password, a random one that is shown.
    Passwd {
        name: String,
        /// Read the password from standard input instead.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Keep a user out until `unlock`. Tokens that are out end within 15 minutes; `grants revoke` ends them at once.
    Lock {
        name: String,
        #[command(flatten)]
        data: Data,
    },
    /// Let a locked user in again.
    Unlock {
        name: String,
        #[command(flatten)]
        data: Data,
    },
    /// Remove a user. Tokens that clients have for it are refused within a second.
    Remove {
        name: String,
        #[command(flatten)]
        data: Data,
    },
}

pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Add { name, scopes, password_stdin, data } => {
            let scopes = scopes.as_deref().map(scopes_of).transpose()?;
            let password = entered_or_random(password_stdin)?;
            let users = data.open().await?.users;
            add(&users, &name, password.text(), scopes).await.map_err(|error| told(&name, error))?;
            password.show("Added", &name);
        }
        Command::List { data } => list(&data.open().await?.users).await?,
        Command::Passwd { name, password_stdin, data } => {
            let password = entered_or_random(password_stdin)?;
            let users = data.open().await?.users;
            users.set_password(&name, password.text()).await.map_err(|error| told(&name, error))?;
            password.show("Changed", &name);
        }
        Command::Lock { name, data } => {
            data.open().await?.users.lock(&name).await.map_err(|error| told(&name, error))?;
            println!("Locked {name}.");
        }
        Command::Unlock { name, data } => {
            data.open().await?.users.unlock(&name).await.map_err(|error| told(&name, error))?;
            println!("Unlocked {name}.");
        }
        Command::Remove { name, data } => {
            // Locked first, so that nothing is granted between the two.
            let users = data.open().await?.users;
            users.lock(&name).await.map_err(|error| told(&name, error))?;
            let ended = grants::end_all_of(&data, &name).await?;
            users.remove(&name).await.map_err(|error| told(&name, error))?;
            println!("Removed {name}, and ended {ended} grants.");
        }
    }
    Ok(())
}

/// Adds a user with a password that nobody guesses, and says which.
pub(crate) async fn add_with_random_password(
    users: &LocalUsers,
    name: &str,
    scopes: Option<Vec<String>>,
) -> Result<String, Box<dyn Error>> {
    let password = random_password()?;
    add(users, name, &password, scopes).await?;
    Ok(password)
}

async fn add(users: &LocalUsers, name: &str, password: &str, scopes: Option<Vec<String>>) -> Result<(), UserError> {
    let is_unlimited = scopes.is_none();
    users.add(name, password, scopes.unwrap_or_default()).await?;
    if is_unlimited { users.allow_all_scopes(name).await } else { Ok(()) }
}

async fn list(users: &LocalUsers) -> Result<(), Box<dyn Error>> {
    let mut after = None;
    loop {
        let page = users.list(after.as_deref(), PAGE).await?;
        for user in &page {
            let scopes = user.scopes.as_ref().map_or("everything".to_owned(), |scopes| scopes.join(" "));
            println!("{}\t{scopes}{}", user.name, if user.is_locked { "\tlocked" } else { "" });
        }
        match page.last() {
            Some(last) => after = Some(last.name.clone()),
            None => return Ok(()),
        }
    }
}

/// A misspelt scope would allow nothing, and nobody would be told.
fn scopes_of(list: &str) -> Result<Vec<String>, String> {
    let scopes: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
    match scopes.iter().find(|scope| !notebook::SCOPES.iter().any(|(known, _)| known == scope)) {
        Some(scope) => {
            let known: Vec<_> = notebook::SCOPES.iter().map(|(known, _)| *known).collect();
            Err(format!("there is no scope `{scope}`; there are: {}", known.join(" ")))
        }
        None => Ok(scopes),
    }
}

enum Password {
    Entered(String),
    Random(String),
}

impl Password {
    fn text(&self) -> &str {
        match self {
            Self::Entered(password) | Self::Random(password) => password,
        }
    }

    fn show(&self, done: &str, name: &str) {
        println!("{done} {name}.");
        if let Self::Random(password) = self {
            println!("The password, which is shown only now: {password}");
        }
    }
}

fn entered_or_random(password_stdin: bool) -> Result<Password, Box<dyn Error>> {
    if password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().take(2_048).read_line(&mut line)?;
        return Ok(Password::Entered(line.trim_end_matches(['\r', '\n']).to_owned()));
    }
    // A secret is for eyes, not for log files.
    if !std::io::stdout().is_terminal() {
        return Err("a random password is shown on a terminal only; elsewhere use `--password-stdin`".into());
    }
    Ok(Password::Random(random_password()?))
}

/// 100 random bits, in groups that can be typed.
fn random_password() -> Result<String, Box<dyn Error>> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes)?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

fn told(name: &str, error: UserError) -> String {
    format!("{name}: {error}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mcp_runtime::store::MemoryStore;

    use super::*;

    #[test]
    fn passwords_are_long_and_never_twice_the_same() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [5; 4], "{one}");
    }

    #[test]
    fn a_misspelt_scope_is_refused() {
        assert_eq!(scopes_of(" notes:write  admin ").unwrap(), ["notes:write", "admin"]);
        assert!(scopes_of("notes:wirte").unwrap_err().contains("notes:write"));
    }

    #[tokio::test]
    async fn users_may_grant_what_was_said_or_everything() {
        let users = LocalUsers::in_store(Arc::new(MemoryStore::new()));
        add(&users, "alice", "a long pass phrase", None).await.unwrap();
        add(&users, "bob", "a long pass phrase", Some(vec!["admin".to_owned()])).await.unwrap();
        add(&users, "carol", "a long pass phrase", Some(Vec::new())).await.unwrap();
        let scopes: Vec<_> = users.list(None, 10).await.unwrap().into_iter().map(|user| user.scopes).collect();
        assert_eq!(scopes, [None, Some(vec!["admin".to_owned()]), Some(Vec::new())]);
    }
}
