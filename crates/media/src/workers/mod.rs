//! The one place below `moviola` that starts threads.
//!
//! [`OrderedPool`] runs one function over a stream of jobs on several threads and hands the results
//! out in the order of the jobs. [`side_by_side`] runs a function for several workers while the
//! caller waits, [`WorkerThread`] one beside the caller.

mod bounded_queue;
mod handle;
mod ordered_pool;
mod state;
mod thread;

pub(crate) use bounded_queue::{BoundedQueue, ClosesAtEnd};
pub use handle::WorkerHandle;
pub use ordered_pool::{OrderedPool, PoolHandle, Results};
pub use state::Bounds;
pub use thread::{WorkerThread, side_by_side};

use tracing::dispatcher;

/// `work`, whose events will be heard, on whatever thread, by who listens on this one.
fn with_dispatch<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let listener = dispatcher::get_default(Clone::clone);
    move || dispatcher::with_default(&listener, work)
}
