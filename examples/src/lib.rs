//! What several examples share.

pub mod groups;
pub mod notebook;

/// Begins an example: with `--help` it says what is at the top of its source, and ends; else it [logs](log_to_stderr).
pub fn start(source: &str) {
    if std::env::args().any(|word| word == "--help" || word == "-h") {
        println!("{}", about(source));
        std::process::exit(0);
    }
    log_to_stderr();
}

/// Sends the log to standard error: what is masked in answers is written there.
pub fn log_to_stderr() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
}

fn about(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).filter(|line| !line.starts_with("```"));
    text.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn help_is_what_stands_at_the_top() {
        let source = "//! What it is.\n//!\n//! ```text\n//! cargo run\n//! ```\n\nfn main() {} //! no\n";
        assert_eq!(super::about(source), "What it is.\n\ncargo run");
    }
}
