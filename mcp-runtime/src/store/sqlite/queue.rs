//! From async callers to the threads that wait for the disk.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use tokio::sync::oneshot;

use super::StoreError;

/// How many may wait. At a few thousand commits a second that is well below what callers wait.
const LENGTH: usize = 1_024;

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What is to be done, and when it was asked for.
pub(super) struct Job<W> {
    pub(super) asked: Instant,
    pub(super) work: W,
}

/// A queue of bounded length. Its threads end when it is gone.
pub(super) struct Queue<W> {
    sender: SyncSender<Job<W>>,
}

impl<W> Queue<W> {
    /// A queue, and its other end.
    pub(super) fn new() -> (Self, Jobs<W>) {
        let (sender, receiver) = sync_channel(LENGTH);
        (Self { sender }, Jobs(Arc::new(Mutex::new(receiver))))
    }

    /// Has something done and waits for the answer.
    pub(super) async fn ask<T>(&self, work: impl FnOnce(Reply<T>) -> W) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.sender.try_send(Job { asked: Instant::now(), work: work(reply) }).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::new(format!("too busy: {LENGTH} callers are waiting")),
            TrySendError::Disconnected(_) => ended(),
        })?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// The end of a queue that threads take from.
pub(super) struct Jobs<W>(Arc<Mutex<Receiver<Job<W>>>>);

impl<W> Clone for Jobs<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W> Jobs<W> {
    /// The next one, as soon as there is one; `None` when nobody can ask any more.
    pub(super) fn next(&self) -> Option<Job<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    /// The next one, if it is there already.
    pub(super) fn next_waiting(&self) -> Option<Job<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }
}

/// Starts a thread that waits for the disk instead of the runtime's.
pub(super) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(|error| StoreError::new(format!("no thread could be started: {error}")))
}

fn ended() -> StoreError {
    StoreError::new("its thread has ended: restart the server")
}
