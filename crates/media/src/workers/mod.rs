//! Threads: the only module below `moviola` that starts them.
//!
//! [`OrderedPool`] runs jobs on several threads and returns their results in the order of the jobs.
//! [`side_by_side`] runs a function for several workers while the caller waits, [`WorkerThread`]
//! runs one function while the caller continues.

mod bounded_queue;
mod handle;
mod monitor;
mod ordered_pool;
mod pool_handle;
mod state;
mod thread;

pub(crate) use bounded_queue::{BoundedQueue, CloseOnDrop};
pub use handle::WorkerHandle;
pub use monitor::Results;
pub use ordered_pool::OrderedPool;
pub use pool_handle::PoolHandle;
pub use state::Bounds;
pub use thread::{WorkerThread, side_by_side};

use tracing::dispatcher;

/// `work` with this thread's `tracing` subscriber, on whichever thread it runs.
fn with_dispatch<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let dispatch = dispatcher::get_default(Clone::clone);
    move || dispatcher::with_default(&dispatch, work)
}
