//! Panics in authors' code, kept from everybody else's.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

/// Like the future, but a panic inside ends as `None`.
pub(crate) async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// Like the function, but a panic inside ends as `None`.
pub(crate) fn catch<T>(start: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(start)).ok()
}
