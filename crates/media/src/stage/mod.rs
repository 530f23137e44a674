//! The one place below `moviola` that starts threads.
//!
//! [`Ordered`] runs one function over a stream of jobs on several threads and hands the results
//! out in the order of the jobs. [`side_by_side`] runs a function for several workers while the
//! caller waits, [`Task`] one beside the caller.

mod ordered;
mod state;
mod task;

pub use ordered::{Crew, Ordered, Results};
pub use state::Bounds;
pub use task::{Task, side_by_side};

use tracing::dispatcher;

/// `work`, whose events will be heard, on whatever thread, by who listens on this one.
fn telling<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let listener = dispatcher::get_default(Clone::clone);
    move || dispatcher::with_default(&listener, work)
}
