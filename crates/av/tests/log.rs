//! Tests that FFmpeg's messages become `tracing` events, in a separate process because the callback
//! is global.
#![allow(clippy::unwrap_used)]

use std::{
    fmt::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use moviola_av::{Demuxer, DemuxerOptions, Io, log};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// A subscriber that collects the level and text of all events up to a level.
#[derive(Clone)]
struct Collector {
    max_level: Level,
    lines: Arc<Mutex<Vec<(Level, String)>>>,
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ffmpeg" && *metadata.level() <= self.max_level
    }

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                write!(self.0, "{value:?}").unwrap();
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        assert!(!text.0.contains("panic please"), "requested by the test");
        self.lines.lock().unwrap().push((*event.metadata().level(), text.0));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// FFmpeg's messages while an input is opened and probed.
fn collect(max_level: Level, options: DemuxerOptions) -> Vec<(Level, String)> {
    let collector = Collector { max_level, lines: Arc::default() };
    let lines = Arc::clone(&collector.lines);
    tracing::subscriber::with_default(collector, || {
        if let Ok(mut demuxer) = Demuxer::open(options) {
            demuxer.find_stream_info().unwrap();
        }
    });
    std::mem::take(&mut lines.lock().unwrap())
}

#[test]
fn messages_become_whole_events_once() {
    log::init();
    log::init();
    let clip = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name);
        DemuxerOptions { url: path.to_str().unwrap().to_owned(), ..Default::default() }
    };

    let lines = collect(Level::ERROR, clip("moov_missing.mp4"));
    assert!(lines.iter().all(|(level, _)| *level == Level::ERROR), "{lines:?}");
    let expected = lines.iter().any(|(_, text)| text.ends_with("moov atom not found"));
    assert!(expected, "{lines:?}");
    assert!(lines.iter().all(|(_, text)| !text.contains('\n') && !text.is_empty()));
    assert!(lines[0].1.starts_with("[mov,mp4"), "the sender is named: {lines:?}");

    let details = collect(Level::TRACE, clip("demo.mp4"));
    assert!(details.len() > 10 && details.iter().any(|(level, _)| *level == Level::TRACE));

    // From several threads at once, each line stays whole.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let lines = collect(Level::ERROR, clip("moov_missing.mp4"));
                assert!(lines.iter().any(|(_, text)| text.ends_with("moov atom not found")));
            });
        }
    });

    // A panic in a subscriber does not unwind into C. FFmpeg logs the name of the segment.
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|_| {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }));
    let playlist =
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npanic please.ts\n#EXT-X-ENDLIST\n";
    let io = Some(Io::bytes(playlist));
    collect(Level::INFO, DemuxerOptions { url: "list.m3u8".into(), io, ..Default::default() });
    assert!(PANICS.load(Ordering::Relaxed) > 0);
}
