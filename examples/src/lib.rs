//! What several examples share.

pub mod groups;
pub mod notebook;

/// Sends the log to standard error: what is masked in answers is written there.
pub fn log_to_stderr() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
}
