//! Sending of a reader's items to a bounded channel.

use std::sync::mpsc::SyncSender;

/// How sending items to a channel ended, with the number of items sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// All items were sent.
    All(u64),
    /// The receiver was dropped. The items that it didn't take are dropped too.
    ReceiverGone(u64),
}

/// Sends every item to a bounded channel, waiting while it is full.
///
/// Returns when the items end, or when the next item can't be sent because the receiver was
/// dropped.
pub fn send_all<T>(items: impl IntoIterator<Item = T>, to: &SyncSender<T>) -> SendOutcome {
    let mut sent = 0;
    for item in items {
        if to.send(item).is_err() {
            return SendOutcome::ReceiverGone(sent);
        }
        sent += 1;
    }
    SendOutcome::All(sent)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn every_item_arrives_in_order() {
        let (to, from) = sync_channel(2);
        let receiver = std::thread::spawn(move || from.iter().collect::<Vec<_>>());
        assert_eq!(send_all(0..100, &to), SendOutcome::All(100));
        drop(to);
        assert_eq!(receiver.join().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_dropped_receiver_ends_the_sending() {
        let (to, from) = sync_channel(3);
        let receiver = std::thread::spawn(move || from.iter().take(2).count());
        let SendOutcome::ReceiverGone(sent) = send_all(0.., &to) else {
            panic!("the items have no end")
        };
        assert_eq!(receiver.join().unwrap(), 2);
        assert!((2..=5).contains(&sent), "{sent}");
    }
}
