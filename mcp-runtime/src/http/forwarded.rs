//! `Forwarded` (RFC 7239) and `X-Forwarded-For`, read from the right: each proxy adds whom it was called by, so what a
//! caller wrote itself is always to the left of what the proxies wrote.

use std::{
    iter::Rev,
    net::{IpAddr, Ipv6Addr},
};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{FORWARDED, ValueIter},
};

/// The longest entry that is read. A proxy's is an address, and in `Forwarded` perhaps a host name.
const LONGEST_ENTRY: usize = 1024;

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The header that proxies write the address of their caller into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, what nearly every proxy writes.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardedHeader {
    pub(super) fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }

    /// The entries of all lines, the last one first; `None` stands for one that names no address.
    pub(super) fn entries(self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        Entries { header: self, lines: headers.get_all(self.name()).into_iter().rev(), line: None, lost: false }
    }

    /// The address that one entry names.
    fn address(self, entry: &str) -> Option<IpAddr> {
        let address = match self {
            Self::XForwardedFor => {
                entry.parse::<Ipv6Addr>().map(IpAddr::from).ok().or_else(|| node(entry, is_port_number))
            }
            Self::Forwarded => node(&forwarded_for(entry)?, |port| is_port_number(port) || is_obfuscated(port)),
        };
        address.map(|address| address.to_canonical())
    }

    /// Where the last entry of a line begins; `None` if that is too far away.
    fn last_entry(self, line: &[u8]) -> Option<usize> {
        let mut quoted = false;
        for (at, byte) in line.iter().enumerate().rev().take(LONGEST_ENTRY + 1) {
            match byte {
                b',' if !quoted => return Some(at + 1),
                b'"' if self == Self::Forwarded => quoted = !quoted || is_escaped(&line[..at]),
                _ => {}
            }
        }
        (line.len() <= LONGEST_ENTRY).then_some(0)
    }
}

/// The entries of all lines, from the end of the last.
struct Entries<'h> {
    header: ForwardedHeader,
    lines: Rev<ValueIter<'h, HeaderValue>>,
    line: Option<&'h [u8]>,
    /// Nothing is looked for beyond an entry whose beginning was not found.
    lost: bool,
}

impl Iterator for Entries<'_> {
    type Item = Option<IpAddr>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.lost {
            return None;
        }
        let line = self.line.take().or_else(|| self.lines.next().map(HeaderValue::as_bytes))?;
        let Some(begin) = self.header.last_entry(line) else {
            self.lost = true;
            return Some(None);
        };
        self.line = begin.checked_sub(1).map(|comma| &line[..comma]);
        let entry = std::str::from_utf8(&line[begin..]).ok();
        Some(entry.and_then(|entry| self.header.address(entry.trim_matches([' ', '\t']))))
    }
}

/// Whether an odd number of backslashes stands before a quote.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The value of the one parameter `for` of an element (RFC 7239 §4).
fn forwarded_for(element: &str) -> Option<String> {
    let mut found = None;
    let mut rest = element;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        if !is_token(name) {
            return None;
        }
        // Said twice, it says nothing.
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
        rest = match after.trim_start_matches([' ', '\t']) {
            "" => "",
            more => more.strip_prefix(';')?.trim_start_matches([' ', '\t']),
        };
    }
    found
}

/// A token or a quoted string (RFC 9110 §5.6), and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        return is_token(token).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

fn is_token(text: &str) -> bool {
    let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// `192.0.2.7`, `[2001:db8::1]`, either with a port. `unknown` and made-up names (`_hidden`) are no addresses.
fn node(text: &str, is_port: impl Fn(&str) -> bool) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(v6) => {
            let (v6, rest) = v6.split_once(']')?;
            (IpAddr::V6(v6.parse().ok()?), rest)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            (IpAddr::V4(text[..end].parse().ok()?), &text[end..])
        }
    };
    let good = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    good.then_some(address)
}

fn is_port_number(text: &str) -> bool {
    matches!(text.len(), 1..=5) && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// A made-up port (RFC 7239 §6.3).
fn is_obfuscated(text: &str) -> bool {
    let is_obfuscating = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    text.strip_prefix('_').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_obfuscating))
}

#[cfg(test)]
#[path = "forwarded_tests.rs"]
mod tests;
