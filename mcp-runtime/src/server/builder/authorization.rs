//! The authorization server that is built along.

use std::{collections::HashSet, sync::Arc};

use super::ServerBuilder;
use crate::{
    auth::PublicUrl,
    oauth::{AuthorizationServer, Source, Surroundings},
    tool::Requirements,
};

impl ServerBuilder {
    /// Its tokens are known like those of any other issuer.
    pub(super) fn build_authorization_server(&mut self, public_url: Option<&PublicUrl>) -> Option<AuthorizationServer> {
        let Some(mut builder) = self.authorization.take() else {
            self.check_upstream(|_| Some("there is no authorization server"));
            return None;
        };
        self.knows_callers = true;
        builder.used_by_tools = self.check_upstream(|name| {
            (!builder.knows_upstream(name)).then_some("the authorization server has no such provider")
        });
        builder.granted_by_environment.extend(self.configured.iter().flat_map(|it| it.scopes.clone()));
        let around = Surroundings { name: &self.name, public_url, catalogue: &self.catalogue, clock: &self.clock };
        let undeclared = if self.catalogue.is_open() { self.named_scopes(&builder.named_scopes()) } else { Vec::new() };
        let built = builder.build(&around);
        // One that cannot be used is complained of elsewhere.
        if self.public_url.is_none() {
            self.problems.push(
                "authorization server: its tokens are for the server's public URL, and there is none; add \
                 `.public_url(\"https://host/mcp\")`"
                    .to_owned(),
            );
        }
        if !undeclared.is_empty() {
            self.problems.push(format!(
                "authorization server: it grants declared scopes only; declare {} with `.scope(name, description)`",
                undeclared.join(", ")
            ));
        }
        match built {
            Ok(server) => {
                self.authenticators.push(Box::new(server.embedded()));
                self.states.insert(Source(Arc::clone(&server.0)));
                Some(server)
            }
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    /// The providers whose tokens tools work with, each once. Complains of tools that cannot, or must not, have them.
    fn check_upstream(&mut self, lack: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for tool in &self.tools {
            let mut needs = Requirements::default();
            tool.requirements(&mut needs);
            let (policy, location) = (tool.policy(), tool.info().location);
            for name in needs.upstream_providers() {
                let mut problem = |what: String| {
                    self.problems.push(format!(
                        "tool `{}` ({location}) takes `Upstream<_>` of the provider `{name}`, {what}",
                        tool.name()
                    ));
                };
                if policy.asks_for_no_scopes() {
                    problem(
                        "but needs no scopes: whoever calls it acts with people's accounts elsewhere; give it, or its \
                         group, `scopes = \"…\"`"
                            .to_owned(),
                    );
                }
                if let Some(lack) = lack(name) {
                    problem(format!(
                        "but {lack}; add it with `AuthorizationServer::builder(…).login(…)` or `.connection(…)`"
                    ));
                }
                if names.iter().all(|known| known != name) {
                    names.push((*name).to_owned());
                }
            }
        }
        names
    }

    /// The scopes of all tools and the default ones, each once, as they are shown.
    fn named_scopes(&self, defaults: &[String]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for tool in &self.tools {
            let policy = tool.policy();
            let exprs = policy.group_floor().map(|floor| floor.scopes).into_iter().chain([policy.required_scopes()]);
            names.extend(exprs.flat_map(|expr| self.catalogue.undeclared(expr)));
        }
        names.extend_from_slice(defaults);
        let mut seen = HashSet::new();
        names.into_iter().filter(|name| seen.insert(name.clone())).map(|name| format!("`{name}`")).collect()
    }
}
