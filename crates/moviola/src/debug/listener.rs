//! The tracing layer that passes spans and events to a [`Collector`].

use std::fmt::{self, Write as _};

use moviola_av::trace::{BEGIN, CANDIDATES, DECISION, DECODER, QUEUE, STAGE};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::{collector::Collector, lanes::Candidates, stage::Stage};

/// The tracing layer. It passes events that aren't the report's to `outer`, the dispatcher that it
/// replaces.
pub(super) struct Listener {
    collector: Collector,
    outer: Dispatch,
}

impl Listener {
    pub(super) fn new(collector: Collector, outer: Dispatch) -> Self {
        Self { collector, outer }
    }
}

/// The start and the counts of a span, which is one run of a stage.
pub(super) struct SpanStats {
    pub(super) stage: Stage,
    /// The start of the span, in nanoseconds since the start of the run.
    pub(super) since: u64,
    pub(super) counts: SpanCounts,
}

/// The counts that a span records: bytes, packets and frames.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SpanCounts {
    pub(super) bytes: u64,
    pub(super) packets: u64,
    pub(super) frames: u64,
}

impl Visit for SpanCounts {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "bytes" => self.bytes += value,
            "packets" => self.packets += value,
            "frames" => self.frames += value,
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The fields of an event; those that it lacks have defaults.
#[derive(Debug, Default)]
pub(super) struct EventFields {
    pub(super) message: String,
    /// The event's other fields, as text.
    pub(super) more: String,
    pub(super) verdict: String,
    pub(super) why: String,
    pub(super) pts: Option<i64>,
    pub(super) bytes: u64,
    pub(super) decoder: String,
    pub(super) threads: u64,
    pub(super) on_device: bool,
    /// The reason why the decoder doesn't run on a device; empty if there is none.
    pub(super) refusal: String,
    pub(super) waiting: u64,
    pub(super) candidates: Candidates,
}

impl Visit for EventFields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "pts" {
            self.pts = Some(value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "bytes" => self.bytes = value,
            "waiting" => self.waiting = value,
            "threads" => self.threads = value,
            "above" => self.candidates.above = value,
            "wanted" => self.candidates.wanted = value,
            "kept" => self.candidates.kept = value,
            "outside" => self.candidates.outside = value,
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.on_device |= field.name() == "device" && value;
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "verdict" => value.clone_into(&mut self.verdict),
            "decoder" => value.clone_into(&mut self.decoder),
            "why" => value.clone_into(&mut self.why),
            "refusal" => value.clone_into(&mut self.refusal),
            name => _ = write!(self.more, " {name}={value:?}"),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => _ = write!(self.more, " {name}={value:?}"),
        }
    }
}

/// Whether a span or event is one that the report is made from.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    [STAGE, BEGIN, DECISION, DECODER, QUEUE, CANDIDATES].contains(&metadata.target())
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listener {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The outer dispatcher may change which events it enables.
        if is_ours(metadata) { Interest::always() } else { Interest::sometimes() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_ours(metadata) || *metadata.level() <= Level::WARN || self.outer.enabled(metadata)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        let stage = Stage::from_name(metadata.name()).filter(|_| metadata.target() == STAGE);
        if let (Some(stage), Some(span)) = (stage, context.span(id)) {
            span.extensions_mut().insert(SpanStats {
                stage,
                since: 0,
                counts: SpanCounts::default(),
            });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(stats) = span.extensions_mut().get_mut::<SpanStats>() {
            values.record(&mut stats.counts);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(stats) = span.extensions_mut().get_mut::<SpanStats>() {
            stats.since = self.collector.measurements().begin(stats.stage);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(stats) = extensions.remove::<SpanStats>() {
            let mut measurements = self.collector.measurements();
            measurements.record_span(&stats);
            measurements.end();
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !is_ours(metadata) && self.outer.enabled(metadata) {
            self.outer.event(event);
        }
        if !is_ours(metadata) && *metadata.level() > Level::WARN {
            return;
        }
        let mut fields = EventFields::default();
        event.record(&mut fields);
        let mut measurements = self.collector.measurements();
        match metadata.target() {
            DECISION => measurements.record_decision(fields),
            DECODER => measurements.record_decoder(fields),
            BEGIN => measurements.start_frames(),
            QUEUE => {
                measurements.record_queue(usize::try_from(fields.waiting).unwrap_or(usize::MAX))
            }
            CANDIDATES => measurements.record_candidates(fields.candidates),
            _ => measurements.record_message(*metadata.level(), &fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::BufWriter, sync::Mutex, thread};

    use moviola_av::stage;
    use moviola_media::{
        image::{NewFile, Overwrite},
        workers::WorkerThread,
    };
    use tracing::{dispatcher, span};

    use super::*;
    use crate::debug::trace::TraceWriter;

    fn collector() -> Collector {
        let path = std::env::temp_dir().join("moviola-listener.json");
        let file = NewFile::create(&path, Overwrite::Replace).expect("there is room");
        Collector::new(TraceWriter::new(BufWriter::new(file)))
    }

    /// A subscriber that records messages, and takes levels up to `INFO`.
    #[derive(Default)]
    struct Outer(Mutex<Vec<String>>);

    impl Subscriber for &'static Outer {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::INFO
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut fields = EventFields::default();
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.message);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn earlier_subscriber_receives_the_events_it_enables() {
        let outer: &'static Outer = Box::leak(Box::default());
        dispatcher::with_default(&Dispatch::new(outer), || {
            let listener = collector().dispatch();
            dispatcher::with_default(&listener, || {
                tracing::info!("observed");
                tracing::debug!("not asked for");
                tracing::trace!(target: DECISION, verdict = "kept", why = "ours");
            });
        });
        assert_eq!(*outer.0.lock().unwrap(), ["observed"]);
    }

    #[test]
    fn stages_within_the_report_count_for_the_report() {
        let collector = collector();
        dispatcher::with_default(&collector.dispatch(), || {
            let _work = stage!("work");
            let _report = stage!("report");
            let convert = stage!("convert");
            convert.record("bytes", 7_u64);
        });
        let measurements = collector.measurements();
        let [convert, report] =
            [Stage::Convert, Stage::Report].map(|stage| &measurements.stages[stage as usize]);
        assert_eq!((convert.time, convert.bytes, report.bytes), (0, 0, 7));
        assert!(report.time > 0);
    }

    #[test]
    fn worker_threads_are_measured_and_warnings_are_counted() {
        let collector = collector();
        dispatcher::with_default(&collector.dispatch(), || {
            let work = || {
                let _outer = stage!("work");
                let inner = stage!("decode");
                inner.record("frames", 3_u64);
                tracing::warn!("twice");
                tracing::warn!("twice");
            };
            WorkerThread::start(work).unwrap().wait();
        });
        let elsewhere = || {
            let _stage = stage!("infer");
        };
        thread::spawn(elsewhere).join().unwrap();
        let measurements = collector.measurements();
        assert_eq!(measurements.stages[Stage::Decode as usize].frames, 3);
        assert!(measurements.stages[Stage::Work as usize].time > 0);
        assert_eq!(measurements.stages[Stage::Infer as usize].time, 0);
        assert_eq!(measurements.messages.get("warn: twice"), Some(&2));
    }
}
