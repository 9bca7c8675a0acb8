//! Files of lines `NAME=value`.

use std::{
    cell::Cell,
    fs,
    io::{self, Read},
    path::Path,
};

/// More than anybody writes by hand.
const MAX_BYTES: usize = 256 * 1024;

/// What stands in such a file.
pub(super) struct Lines {
    pub(super) variables: Vec<(String, String)>,
    /// Problems of single lines, beside which the rest can be judged.
    pub(super) problems: Vec<String>,
}

/// Reads a file, or says why it cannot be read to its end: never with a word of what is in it. `None`: it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Lines>, String> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(format!("`{}` is not UTF-8 text: write it again", path.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(format!("`{}` cannot be read: see who owns it", path.display()))
        }
        Err(error) => Err(format!("`{}` cannot be read: {}", path.display(), error.kind())),
        Ok(bytes) if bytes > MAX_BYTES => Err(format!(
            "`{}` has more than {MAX_BYTES} bytes: put large values into files of their own",
            path.display()
        )),
        Ok(_) => parse(path, &text).map(Some),
    }
}

fn parse(path: &Path, text: &str) -> Result<Lines, String> {
    // Some editors put a mark before the text; spaces at the end are an open line to dotenvy.
    let text = format!("{}\n", text.trim_start_matches('\u{feff}').trim_end());
    let lines: Vec<&str> = text.lines().collect();
    let handed_out = Cell::new(0);
    let (mut variables, mut problems) = (Vec::new(), Vec::new());
    let mut end = 0;
    for item in dotenvy::from_read_iter(OneByOne { rest: text.as_bytes(), lines: &handed_out }) {
        let start = end + lines[end..].iter().take_while(|line| is_without_value(line)).count();
        // What dotenvy says of it would show the line.
        let (name, value) = item.map_err(|_| {
            format!(
                "`{}` cannot be read in line {}, and not beyond: values with spaces, `$`, `#`, `\\` or quotes go in \
                 single quotes, `NAME='value'`, and each quote needs its end",
                path.display(),
                start + 1
            )
        })?;
        end = handed_out.get();
        if super::values::is_ours(&name) && lines.get(start).is_some_and(|line| is_cut(line)) {
            problems.push(format!(
                "`{name}` is cut off at ` #` in line {} of `{}`: put the value in single quotes, or the comment on a line \
                 of its own",
                start + 1,
                path.display()
            ));
        }
        variables.push((name, value));
    }
    Ok(Lines { variables, problems })
}

fn is_without_value(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// Whether a value without quotes ends at what is taken for a comment.
fn is_cut(line: &str) -> bool {
    let Some((_, value)) = line.split_once('=') else { return false };
    let value = value.trim_start();
    let Some(at) = [" #", "\t#"].into_iter().filter_map(|mark| value.find(mark)).min() else { return false };
    let kept = &value[..at];
    !kept.contains(['\'', '"']) && !kept.ends_with('\\') && !kept.starts_with('#')
}

/// Hands out a line at a time, so that it is known how far somebody has read who reads line by line.
struct OneByOne<'t> {
    rest: &'t [u8],
    lines: &'t Cell<usize>,
}

impl Read for OneByOne<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|&byte| byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let (now, rest) = self.rest.split_at(line.min(buffer.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.rest = rest;
        self.lines.set(self.lines.get() + usize::from(now.ends_with(b"\n")));
        Ok(now.len())
    }
}
