//! `guard = owns(project)`: the author's own rule.

use quote::ToTokens;
use syn::{Expr, ExprPath, Ident};

use super::{Entry, Known, Value, plain};
use crate::errors::Errors;

/// A function and the parameters of the tool that it is given.
pub(crate) struct Guard {
    pub(crate) function: ExprPath,
    pub(crate) arguments: Vec<Ident>,
    /// As it is shown in policies.
    pub(crate) written: String,
}

/// `guard = owns`, `guard = rules::owns(project, id)`
pub(crate) fn parse(entry: &Entry, known: &Known, errors: &mut Errors) -> Option<Guard> {
    let Value::Is(value) = &entry.value else { return entry.wrong(known, errors) };
    let (function, arguments) = match plain(value) {
        Expr::Path(path) => (path, Vec::new()),
        Expr::Call(call) => {
            let Expr::Path(path) = plain(&call.func) else { return entry.wrong(known, errors) };
            let names: Option<Vec<_>> = call.args.iter().map(name).collect();
            match names {
                Some(names) => (path, names),
                None => return entry.wrong(known, errors),
            }
        }
        _ => return entry.wrong(known, errors),
    };
    let names: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    let path = function.to_token_stream().to_string().replace(' ', "");
    let written = if names.is_empty() { path } else { format!("{path}({})", names.join(", ")) };
    Some(Guard { function: function.clone(), arguments, written })
}

fn name(argument: &Expr) -> Option<Ident> {
    match plain(argument) {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    }
}
