//! What is protected by what, for people to read and reviews to pin.

use std::fmt;

use serde::Serialize;

use crate::{
    guard::{Defaults, Policy, effective_limits},
    tool::Location,
};

/// One row per tool: who may call it, with which scopes, how often, for how long.
///
/// Prints as a Markdown table; [`to_json`](Self::to_json) gives the same for machines.
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
    /// The scopes as written; empty if none are needed.
    pub scopes: String,
    /// The limits of each caller; `none` if switched off.
    pub limits: String,
    /// How long one call may take; `none` if switched off.
    pub timeout: String,
    /// Where the tool is defined.
    pub source: String,
}

impl PolicyRow {
    pub(crate) fn new(tool: &str, policy: &Policy, location: Location, defaults: Defaults) -> Self {
        let access = match (policy.is_public(), defaults.no_auth) {
            (true, _) => "public",
            (false, true) => "OPEN",
            (false, false) => "admitted",
        };
        let limits: Vec<_> = effective_limits(policy, defaults).iter().map(ToString::to_string).collect();
        let timeout = policy.call_timeout().or(defaults.timeout);
        Self {
            tool: tool.to_owned(),
            access: access.to_owned(),
            scopes: policy.required_scopes().to_string(),
            limits: if limits.is_empty() { "none".to_owned() } else { limits.join(" ") },
            timeout: timeout.map_or_else(|| "none".to_owned(), |timeout| format!("{timeout:?}")),
            source: location.to_string(),
        }
    }

    fn cells(&self) -> [&str; 6] {
        [&self.tool, &self.access, &self.scopes, &self.limits, &self.timeout, &self.source]
    }
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
        const HEAD: [&str; 6] = ["tool", "access", "scopes", "limits", "timeout", "source"];
        let width = |column: usize| {
            let cells = self.0.iter().map(|row| row.cells()[column].len());
            cells.chain([HEAD[column].len()]).max().unwrap_or(0)
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut line = |cells: [&str; 6]| {
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
