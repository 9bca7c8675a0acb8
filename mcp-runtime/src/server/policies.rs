//! What is protected by what, for people to read and reviews to pin.

use std::fmt;

use serde::Serialize;

use crate::{
    guard::{Defaults, Policy, ScopeExpr, own_limits},
    tool::Location,
};

/// One row per tool: who may call it, with which scopes, how often, how many at once, and for how long.
///
/// Prints as a Markdown table; [`to_json`](Self::to_json) gives the same for machines. `testing::assert_policies!` pins it
/// to a file, so that a change of protection shows in review.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Policies(Vec<PolicyRow>);

/// The protection of one tool, defaults of the server included.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PolicyRow {
    /// The tool's name.
    pub tool: String,
    /// `public` or `admitted`; `OPEN` where the server was built without authentication.
    pub access: String,
    /// The scopes as written, those of its group first; empty if none are needed.
    pub scopes: String,
    /// The limits, `shared` those of its group; `none` if switched off.
    pub limits: String,
    /// How many calls run at once; empty if as many as come.
    pub concurrency: String,
    /// The author's own rule, as written; empty if there is none.
    pub guard: String,
    /// How long one call may take; `none` if switched off.
    pub timeout: String,
    /// The file that defines the tool. Without its line, which changes when nothing of the policy does.
    pub source: String,
}

impl PolicyRow {
    pub(crate) fn new(tool: &str, policy: &Policy, location: Location, defaults: Defaults) -> Self {
        let access = match (policy.is_public(), defaults.no_auth) {
            (true, _) => "public",
            (false, true) => "OPEN",
            (false, false) => "admitted",
        };
        let timeout = policy.call_timeout().or(defaults.timeout);
        Self {
            tool: tool.to_owned(),
            access: access.to_owned(),
            scopes: scopes(policy),
            limits: limits(policy, defaults),
            concurrency: policy.max_concurrency().map_or_else(String::new, |calls| calls.to_string()),
            guard: policy.call_guard().unwrap_or_default().to_owned(),
            timeout: timeout.map_or_else(|| "none".to_owned(), |timeout| format!("{timeout:?}")),
            source: location.file.to_owned(),
        }
    }

    fn cells(&self) -> [&str; 8] {
        let Self { tool, access, scopes, limits, concurrency, guard, timeout, source } = self;
        [tool, access, scopes, limits, concurrency, guard, timeout, source]
    }
}

fn scopes(policy: &Policy) -> String {
    let is_something = |expr: &ScopeExpr| *expr != ScopeExpr::All(&[]);
    let group = policy.group_floor().map(|floor| floor.scopes);
    let all: Vec<_> = group.into_iter().chain([policy.required_scopes()]).filter(is_something).collect();
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn limits(policy: &Policy, defaults: Defaults) -> String {
    let own = own_limits(policy, defaults);
    let group = policy.group_floor().map_or(&[][..], |floor| floor.limits);
    let all: Vec<_> =
        own.iter().map(ToString::to_string).chain(group.iter().map(|limit| format!("{limit} shared"))).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

impl Policies {
    pub(crate) fn new(rows: Vec<PolicyRow>) -> Self {
        Self(rows)
    }

    /// The rows, in the order the tools were given.
    #[must_use]
    pub fn rows(&self) -> &[PolicyRow] {
        &self.0
    }

    /// The rows as a JSON array.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEAD: [&str; 8] = ["tool", "access", "scopes", "limits", "concurrency", "guard", "timeout", "source"];
        let width = |column: usize| {
            let cells = self.0.iter().map(|row| row.cells()[column].len());
            cells.chain([HEAD[column].len()]).max().unwrap_or(0)
        };
        let widths: [usize; 8] = std::array::from_fn(width);
        let mut line = |cells: [&str; 8]| {
            for (cell, width) in cells.into_iter().zip(widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")
        };
        line(HEAD)?;
        let rules = widths.map(|width| "-".repeat(width));
        line(std::array::from_fn(|column| rules[column].as_str()))?;
        self.0.iter().try_for_each(|row| line(row.cells()))
    }
}
