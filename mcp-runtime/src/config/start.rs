//! What a server says when it starts.

use std::{fmt::Write, net::SocketAddr};

use super::address::DEFAULT_BIND;
#[cfg(feature = "oauth")]
use crate::oauth::callback_of;
use crate::{server::Server, transport::ServeError};

const WIDTH: usize = 12;

impl Server {
    /// Where [`serve_configured`](Self::serve_configured) listens: what `MCP_BIND` says, else `127.0.0.1:8000`.
    #[must_use]
    pub fn bind_address(&self) -> SocketAddr {
        self.settings().configured.as_ref().map_or(DEFAULT_BIND, |configured| configured.bind)
    }

    /// Serves on the [address](Self::bind_address) that the environment says, until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn serve_configured(&self) -> Result<(), ServeError> {
        self.serve(self.bind_address()).await
    }

    /// What is protected by what, in one block of text for whoever starts the server: under which URL it is reached, how
    /// callers are known, what to type into the consoles of providers, and what each tool needs; with a configuration
    /// [from the environment](crate::ServerBuilder::from_env) also where it listens, who is admitted, and what is kept
    /// where. Nothing in it is secret. A server writes it into the log when it begins to [serve](Self::serve).
    #[must_use]
    pub fn summary(&self) -> String {
        let settings = self.settings();
        let mut text = format!("{}\n", settings.name);
        let mut line = |head: &str, what: &str| {
            for (at, part) in what.lines().enumerate() {
                let _ = writeln!(text, "  {:WIDTH$}{part}", if at == 0 { head } else { "" });
            }
        };
        if let Some(configured) = &settings.configured {
            line("Listens on", &configured.bind.to_string());
        }
        let url = settings.public_url.as_ref().map(crate::auth::PublicUrl::as_str);
        line("Public URL", url.unwrap_or("none: on this machine only"));
        settings.http.proxy_line().into_iter().for_each(|proxies| line("Proxies", &proxies));
        line("Callers", &self.callers());
        #[cfg(feature = "oauth")]
        self.accounts().into_iter().for_each(|(head, account)| line(head, &account));
        for (head, what) in settings.configured.iter().flat_map(|configured| &configured.facts) {
            line(head, what);
        }
        self.tools_by_protection().into_iter().for_each(|tools| line("Tools", &tools));
        text.truncate(text.trim_end().len());
        text
    }

    fn callers(&self) -> String {
        if self.settings().no_auth {
            return "NOBODY is asked who they are".to_owned();
        }
        let of = |(issuer, admission): (&str, Option<String>)| {
            let whom = admission.map_or_else(String::new, |whom| format!(" of {whom}"));
            format!("tokens of {issuer}{whom}")
        };
        let issuers: Vec<_> = self.core().verifier.issuers().map(of).collect();
        if issuers.is_empty() { "unknown: only what is public can be called".to_owned() } else { issuers.join("\n") }
    }

    /// The ways to log in, and what is only connected, each with what its provider must know.
    #[cfg(feature = "oauth")]
    fn accounts(&self) -> Vec<(&'static str, String)> {
        let Some(server) = self.authorization_server() else { return Vec::new() };
        let core = &server.0;
        let of = |login: &dyn crate::oauth::LoginProvider| {
            let mut text = login.name().to_owned();
            if login.label() != login.name() {
                let _ = write!(text, " ({})", login.label());
            }
            if let Some(federated) = login.federated() {
                let callback = callback_of(core, login.name());
                let _ = write!(text, ", callback {callback}");
                federated.0.console(&callback).iter().for_each(|line| {
                    let _ = write!(text, "\n  {line}");
                });
            }
            text
        };
        let logins = core.logins.iter().map(|login| ("Login", of(&**login)));
        logins.chain(core.connections.iter().map(|connection| ("Connection", of(&**connection)))).collect()
    }

    /// What each protection protects, the most open first.
    fn tools_by_protection(&self) -> Vec<String> {
        let mut groups: Vec<(u8, String, Vec<&str>)> = Vec::new();
        for row in self.policies().rows() {
            let (rank, who) = match (&*row.access, &*row.scopes) {
                ("OPEN", _) => (0, "anybody on this machine".to_owned()),
                ("public", _) => (0, "anybody".to_owned()),
                (_, "") => (1, "everybody who is admitted".to_owned()),
                (_, scopes) => (2, format!("needs {scopes}")),
            };
            match groups.iter_mut().find(|(_, known, _)| *known == who) {
                Some((_, _, tools)) => tools.push(&row.tool),
                None => groups.push((rank, who, vec![&row.tool])),
            }
        }
        groups.sort_by_key(|(rank, ..)| *rank);
        groups.into_iter().map(|(_, who, tools)| format!("{who}: {}", tools.join(", "))).collect()
    }
}
