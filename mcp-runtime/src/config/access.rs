//! The two rules that every way to know callers needs: its own, or the one for all.

use super::{
    error::Problems,
    rules::{Admit, Grants, read_admit, read_grants},
    values::Values,
};

/// Whom to admit: what `own` says, else `MCP_ADMIT`. `refuses` says which rules cannot be kept here, and why.
pub(super) fn admit(
    values: &Values,
    problems: &mut Problems,
    own: Option<&'static str>,
    refuses: &dyn Fn(&Admit) -> Option<&'static str>,
) -> Option<Vec<Admit>> {
    let Some((name, text)) = said(values, own, "MCP_ADMIT") else {
        problems.add(format!(
            "{} is missing: say who is admitted, as in `email-domain:example.com` or `claim:groups=staff`; `anyone` lets \
             in everybody who has an account there",
            names(own, "MCP_ADMIT")
        ));
        return None;
    };
    let rules = problems.keep(name, read_admit(text?))?;
    if let Some(why) = rules.iter().find_map(refuses) {
        problems.add(format!("`{name}` has a rule that cannot be kept here: {why}"));
        return None;
    }
    Some(rules)
}

/// What those may grant: what `own` says, else `MCP_GRANTS`.
pub(super) fn grants(values: &Values, problems: &mut Problems, own: &'static str) -> Option<(&'static str, Grants)> {
    let Some((name, text)) = said(values, Some(own), "MCP_GRANTS") else {
        problems.add(format!(
            "{} is missing: say which scopes people may grant, as in `notes:read admin@claim:groups=admins`, or `*` for \
             all that the server declares",
            names(Some(own), "MCP_GRANTS")
        ));
        return None;
    };
    Some((name, problems.keep(name, read_grants(text?))?))
}

/// The first that is there, with its value unless that cannot be used.
fn said<'v>(
    values: &'v Values,
    own: Option<&'static str>,
    general: &'static str,
) -> Option<(&'static str, Option<&'v str>)> {
    let first = own.into_iter().chain([general]).find(|name| values.has(name))?;
    Some((first, values.get(first)))
}

fn names(own: Option<&str>, general: &str) -> String {
    own.map_or_else(|| format!("`{general}`"), |own| format!("`{general}` (or `{own}`)"))
}
