//! What can be wrong with a server, each in a sentence that says what to do.

use std::collections::HashMap;

use super::ServerBuilder;
use crate::{
    auth::{PublicUrl, Verifier},
    tool::Requirements,
};

impl ServerBuilder {
    pub(super) fn check_public_url(&mut self) -> Option<PublicUrl> {
        let parsed = PublicUrl::parse(self.public_url.as_deref()?);
        parsed.map_err(|problem| self.problems.push(problem)).ok()
    }

    pub(super) fn check(&mut self, verifier: &Verifier, public_url: Option<&PublicUrl>) {
        if self.name.is_empty() || self.version.is_empty() {
            self.problems.push("a server needs a name and a version".into());
        }
        self.check_names();
        self.check_states();
        self.check_schemas();
        self.check_scopes();
        self.check_auth(verifier, public_url);
        self.problems.extend(verifier.problems());
        #[cfg(feature = "http")]
        self.problems.extend(self.http.problems());
        #[cfg(feature = "http")]
        self.check_configured(public_url);
        #[cfg(feature = "tls")]
        self.check_tls(public_url);
    }

    #[cfg(feature = "tls")]
    fn check_tls(&mut self, public_url: Option<&PublicUrl>) {
        let Some(tls) = &self.tls else { return };
        self.problems.extend(tls.reload().err().map(|error| error.to_string()));
        if public_url.is_some_and(|url| url.as_str().starts_with("http:")) {
            self.problems
                .push("the public URL is plain http, and `.tls(…)` speaks https only; write `https://…`".into());
        }
    }

    fn check_names(&mut self) {
        let mut seen = HashMap::new();
        for tool in &self.tools {
            let here = tool.info().location;
            let Some(there) = seen.insert(tool.name(), here) else { continue };
            if there == here {
                self.problems.push(format!("tool `{}` ({here}) is listed twice; once is enough", tool.name()));
            } else {
                self.problems.push(format!(
                    "two tools are called `{}`: at {there} and at {here}; give one of them `#[tool(name = \"…\")]`",
                    tool.name()
                ));
            }
        }
    }

    fn check_states(&mut self) {
        for tool in &self.tools {
            let mut needs = Requirements::default();
            tool.requirements(&mut needs);
            for missing in needs.missing_from(&self.states) {
                self.problems.push(format!(
                    "tool `{}` ({}) takes `State<{missing}>`, but the server has none; add `.state(value)`",
                    tool.name(),
                    tool.info().location
                ));
            }
        }
    }

    fn check_schemas(&mut self) {
        for tool in &self.tools {
            for problem in tool.problems() {
                self.problems.push(format!("tool `{}` ({}): {problem}", tool.name(), tool.info().location));
            }
        }
    }

    fn check_scopes(&mut self) {
        self.problems.extend(self.catalogue.problems());
        for tool in &self.tools {
            let policy = tool.policy();
            let group = policy.group_floor().map(|floor| floor.scopes);
            let exprs = group.into_iter().chain([policy.required_scopes()]);
            for problem in exprs.flat_map(|expr| self.catalogue.check_declared(expr)) {
                self.problems.push(format!("tool `{}` ({}): {problem}", tool.name(), tool.info().location));
            }
        }
    }

    fn check_auth(&mut self, verifier: &Verifier, public_url: Option<&PublicUrl>) {
        let protected = self.tools.iter().find(|tool| !tool.policy().is_public());
        match (protected, verifier.is_empty(), self.defaults.no_auth) {
            (Some(tool), true, false) if !self.knows_callers => self.problems.push(format!(
                "tool `{}` is protected, but the server has no way to know callers; add `.auth(…)`{}, make the tool \
                 `#[tool(public)]`, or on your own machine `.insecure_no_auth()`",
                tool.name(),
                self.further_ways()
            )),
            (_, false, true) => self.problems.push(
                "`.insecure_no_auth()` and `.auth(…)` exclude each other: who asks for tokens must not ignore them"
                    .into(),
            ),
            _ => {}
        }
        if self.defaults.no_auth && public_url.is_some_and(|url| !url.is_loopback()) {
            self.problems.push("`.insecure_no_auth()` needs a `.public_url(…)` on loopback, or none".into());
        }
    }
}
