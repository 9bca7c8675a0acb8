//! One scope, plain or with arguments in it.

use std::borrow::Cow;

use super::{expr::is_scope_value, requirement::Values};
use crate::auth::Scopes;

/// What a granted scope is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    Plain(Box<str>),
    Template(Box<[Piece]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Box<str>),
    Argument(usize),
}

impl Pattern {
    pub(super) fn plain(scope: &str) -> Self {
        Self::Plain(scope.into())
    }

    /// Reads `project:{project}:write`, with the positions of the arguments it may name; `None` if it names another.
    pub(super) fn parse(scope: &str, arguments: &[(&'static str, usize)]) -> Option<Self> {
        if !scope.contains('{') {
            return Some(Self::plain(scope));
        }
        let mut pieces = Vec::new();
        for piece in pieces_of(scope) {
            pieces.push(match piece {
                Ok(text) => Piece::Text(text.into()),
                Err(name) => Piece::Argument(arguments.iter().find(|(known, _)| *known == name)?.1),
            });
        }
        Some(Self::Template(pieces.into()))
    }

    /// The scope with its arguments in place; `None` while one is not known.
    pub(super) fn filled(&self, values: Values<'_>) -> Option<Cow<'_, str>> {
        match self {
            Self::Plain(scope) => Some(Cow::Borrowed(scope)),
            Self::Template(pieces) => {
                let mut scope = String::with_capacity(64);
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => scope.push_str(text),
                        Piece::Argument(at) => scope.push_str(&values(*at)?),
                    }
                }
                Some(Cow::Owned(scope))
            }
        }
    }

    /// Whether the scope is among these. One that is not known yet is: it is asked for again when it is.
    pub(super) fn granted_by(&self, granted: &Scopes, values: Values<'_>) -> bool {
        self.filled(values).is_none_or(|scope| granted.contains(&scope))
    }

    /// The values that make it this scope, by the positions of their arguments; `None` if none do.
    ///
    /// Arguments are whole parts between separators that no value contains, so the first possible end is the only one.
    pub(super) fn values_in<'g>(&self, granted: &'g str) -> Option<Vec<(usize, &'g str)>> {
        let pieces = match self {
            Self::Plain(scope) => return (**scope == *granted).then(Vec::new),
            Self::Template(pieces) => pieces,
        };
        let (mut rest, mut values) = (granted, Vec::new());
        for piece in pieces {
            match piece {
                Piece::Text(text) => rest = rest.strip_prefix(&**text)?,
                Piece::Argument(at) => {
                    let end = rest.find(|c: char| !is_scope_value(c.encode_utf8(&mut [0; 4]))).unwrap_or(rest.len());
                    let (value, after) = rest.split_at(end);
                    if !is_scope_value(value) || !agree(&values, &[(*at, value)]) {
                        return None;
                    }
                    values.push((*at, value));
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(values)
    }
}

/// Whether no argument has two values.
pub(super) fn agree(some: &[(usize, &str)], others: &[(usize, &str)]) -> bool {
    others.iter().all(|(at, value)| some.iter().all(|(known, other)| known != at || other == value))
}

/// The names of the arguments in a scope.
pub(super) fn arguments_of(scope: &str) -> impl Iterator<Item = &str> {
    pieces_of(scope).filter_map(Result::err)
}

/// Whether arguments stand alone: after text, and with separators around them that no value contains. Otherwise several
/// values would make one scope.
pub(super) fn arguments_stand_alone(scope: &str) -> bool {
    let is_value = |c: char| is_scope_value(c.encode_utf8(&mut [0; 4]));
    let pieces: Vec<_> = pieces_of(scope).collect();
    let written = pieces.iter().map(|piece| piece.map_or_else(|name| name.len() + 2, str::len)).sum::<usize>();
    let alone = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| pieces[before].ok()?.chars().next_back());
        let after = pieces.get(at + 1).map(|piece| piece.ok().and_then(|text| text.chars().next()));
        before.is_some_and(|c| !is_value(c)) && after.is_none_or(|c| c.is_some_and(|c| !is_value(c)))
    };
    written == scope.len()
        && pieces.iter().enumerate().all(|(at, piece)| match piece {
            Ok(text) => !text.contains(['{', '}']),
            Err(name) => !name.is_empty() && !name.contains(['{', '}']) && alone(at),
        })
}

/// Texts as `Ok`, arguments as `Err`.
pub(super) fn pieces_of(scope: &str) -> impl Iterator<Item = Result<&str, &str>> {
    scope.split_inclusive('}').flat_map(|piece| {
        let (text, name) = match piece.split_once('{') {
            Some((text, name)) => (text, name.strip_suffix('}')),
            None => (piece, None),
        };
        [(!text.is_empty()).then_some(Ok(text)), name.map(Err)].into_iter().flatten()
    })
}
