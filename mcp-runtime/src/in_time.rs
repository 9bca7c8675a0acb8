//! Waiting that costs nothing where there is nothing to wait for.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;

/// What the future comes to; `None` if that takes longer than `limit`. A timer is only made for a future that is not ready
/// at once, which on the way of a usual call none is.
pub(crate) async fn in_time<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => timeout(limit, future).await.ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_is_ready_needs_no_time_and_what_never_is_gets_no_more() {
        assert_eq!(in_time(Duration::ZERO, ready(1)).await, Some(1));
        assert_eq!(in_time(Duration::from_millis(1), pending::<()>()).await, None);
        let slow = async { tokio::task::yield_now().await };
        assert_eq!(in_time(Duration::from_secs(60), slow).await, Some(()));
    }
}
