//! Everything the process logs, at TRACE, and every secret that must not be there.

use std::{
    collections::BTreeSet,
    io,
    sync::{Mutex, Once, OnceLock},
};

use tracing_subscriber::{filter::LevelFilter, util::SubscriberInitExt};

static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();

fn log() -> &'static Mutex<Vec<u8>> {
    LOG.get_or_init(Mutex::default)
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        log().lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads along from now on, on every thread. Returns how long the log is.
pub(crate) fn start() -> usize {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let reader = tracing_subscriber::fmt().with_ansi(false).with_max_level(LevelFilter::TRACE);
        reader.with_writer(|| Log).finish().init();
    });
    log().lock().unwrap().len()
}

/// What was logged since then, by whomever.
pub(crate) fn since(start: usize) -> String {
    String::from_utf8_lossy(&log().lock().unwrap()[start..]).into_owned()
}

/// The values that nobody may read anywhere.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Mutex<BTreeSet<String>>);

impl Secrets {
    /// Remembers one. What is too short could be there by chance.
    pub(crate) fn add(&self, secret: &str) {
        if secret.len() >= 12 {
            self.0.lock().unwrap().insert(secret.to_owned());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Those that are in a text.
    pub(crate) fn within(&self, text: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|secret| text.contains(secret.as_str())).cloned().collect()
    }
}
