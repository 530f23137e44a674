//! The number of a model's nodes per provider, which ONNX Runtime reports only in its log.

use std::sync::{Arc, Mutex, PoisonError};

/// Collects the node counts from the log of a session while it is built, and forwards the log.
#[derive(Clone, Default)]
pub(crate) struct NodeCounts {
    nodes: Arc<Mutex<Vec<(String, usize)>>>,
}

impl NodeCounts {
    /// The log function for the session.
    pub(crate) fn logger(&self) -> ort::logging::LoggerFunction {
        let nodes = Arc::clone(&self.nodes);
        Arc::new(move |level, category, id, at, message| {
            if let Some(found) = parse(message) {
                nodes.lock().unwrap_or_else(PoisonError::into_inner).push(found);
            }
            crate::runtime::log::emit(level, category, id, at, message);
        })
    }

    /// Number of nodes per provider; empty if they were not logged.
    pub(crate) fn nodes(&self) -> Vec<(String, usize)> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Parses `All nodes placed on [CPUExecutionProvider]. Number of nodes: 470`, or `Node(s) placed on
/// …`.
fn parse(message: &str) -> Option<(String, usize)> {
    let rest = message.split_once(" placed on [")?.1;
    let (provider, rest) = rest.split_once(']')?;
    let count = rest.split_once("Number of nodes: ")?.1.trim().parse().ok()?;
    Some((provider.to_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_wordings_are_parsed() {
        let all = parse(" All nodes placed on [CPUExecutionProvider]. Number of nodes: 470");
        assert_eq!(all, Some(("CPUExecutionProvider".into(), 470)));
        let some = parse(" Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 7\n");
        assert_eq!(some, Some(("CUDAExecutionProvider".into(), 7)));
        assert_eq!(parse("Node placements"), None);
        assert_eq!(parse(" placed on [x"), None);
    }
}
