//! A writer of traces in the Trace Event Format: JSON for Perfetto and Chrome's `about:tracing`.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

/// The most events in a trace, because viewers can't open larger ones.
const MAX_EVENTS: usize = 1_000_000;

/// A writer of events to `out`. Events are written in the order of the calls.
#[derive(Debug)]
pub(super) struct TraceWriter<W: Write> {
    out: W,
    events: usize,
    /// The first error of writing; nothing is written after it.
    failure: Option<io::Error>,
}

/// One run of a stage on a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'a> {
    pub(super) name: &'a str,
    pub(super) lane: usize,
    /// The start, in nanoseconds since the start of the run.
    pub(super) from: u64,
    /// The end, in nanoseconds since the start of the run.
    pub(super) to: u64,
    /// Names and values of the span's counts.
    pub(super) args: &'a [(&'static str, u64)],
}

impl<W: Write> TraceWriter<W> {
    pub(super) fn new(mut out: W) -> Self {
        let begin = out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
        let mut trace = Self { out, events: 0, failure: begin.err() };
        let process = json!({"name": "moviola"});
        trace.write_event(&json!({"ph": "M", "pid": 1, "name": "process_name", "args": process}));
        trace
    }

    /// Writes the name of a lane, and its position after lanes with lower numbers.
    pub(super) fn lane(&mut self, lane: usize, name: &str) {
        let tid = tid(lane);
        for (what, args) in [
            ("thread_name", json!({"name": name})),
            ("thread_sort_index", json!({"sort_index": tid})),
        ] {
            self.write_event(&json!({"ph": "M", "pid": 1, "tid": tid, "name": what, "args": args}));
        }
    }

    pub(super) fn slice(&mut self, slice: &Slice<'_>) {
        let Slice { name, lane, from, to, args } = *slice;
        let args: Map<_, _> =
            args.iter().map(|(name, arg)| ((*name).to_owned(), Value::from(*arg))).collect();
        let (begin, length) = (micros(from), micros(to.saturating_sub(from)));
        self.write_event(&json!({
            "ph": "X", "pid": 1, "tid": tid(lane), "name": name, "ts": begin, "dur": length, "args": args,
        }));
    }

    /// Writes the value of a counter.
    pub(super) fn counter(&mut self, name: &str, time: u64, value: usize) {
        let value = json!({"results": value});
        self.write_event(
            &json!({"ph": "C", "pid": 1, "name": name, "ts": micros(time), "args": value}),
        );
    }

    /// Writes an event without duration, on a lane or for the whole process.
    pub(super) fn instant(&mut self, name: &str, lane: Option<usize>, time: u64, args: &Value) {
        let mut event =
            json!({"ph": "i", "s": "p", "pid": 1, "name": name, "ts": micros(time), "args": args});
        if let Some(lane) = lane {
            (event["s"], event["tid"]) = ("t".into(), tid(lane).into());
        }
        self.write_event(&event);
    }

    fn write_event(&mut self, event: &Value) {
        if self.events == MAX_EVENTS || self.failure.is_some() {
            return;
        }
        let comma = if self.events > 0 { ",\n" } else { "" };
        self.events += 1;
        self.failure = write!(self.out, "{comma}{event}").err();
    }

    /// Whether the trace has the most events allowed, so that later ones are dropped.
    pub(super) fn is_full(&self) -> bool {
        self.events == MAX_EVENTS
    }

    /// Completes the JSON and returns the writer, or the first error of writing.
    pub(super) fn finish(mut self) -> io::Result<W> {
        match self.failure {
            Some(failure) => Err(failure),
            None => {
                self.out.write_all(b"\n]}\n")?;
                self.out.flush()?;
                Ok(self.out)
            }
        }
    }
}

/// The lane's thread id in the trace. It is never 0, which viewers show as an idle processor.
fn tid(lane: usize) -> usize {
    lane + 1
}

fn micros(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_one_object_of_events() {
        let mut trace = TraceWriter::new(Vec::new());
        trace.lane(3, "worker \"1\"");
        let args = [("bytes", 7)];
        let slice = Slice { name: "decode", lane: 3, from: 1500, to: 4000, args: &args };
        trace.slice(&slice);
        trace.counter("waiting", 4000, 2);
        trace.instant("kept", Some(3), 4000, &json!({"why": "an IDR picture"}));
        trace.instant("left out", None, 5000, &json!({}));
        let value: Value = serde_json::from_slice(&trace.finish().unwrap()).unwrap();
        let events = value["traceEvents"].as_array().unwrap();
        let phases: Vec<_> = events.iter().map(|event| event["ph"].as_str().unwrap()).collect();
        assert_eq!(phases, ["M", "M", "M", "X", "C", "i", "i"]);
        assert_eq!(events[0]["args"]["name"], "moviola");
        assert_eq!(events[1]["args"]["name"], "worker \"1\"");
        assert_eq!((&events[3]["ts"], &events[3]["dur"]), (&json!(1.5), &json!(2.5)));
        assert_eq!((&events[3]["args"]["bytes"], &events[3]["tid"]), (&json!(7), &json!(4)));
        assert_eq!((&events[5]["tid"], &events[6]["tid"]), (&json!(4), &Value::Null));
    }

    #[test]
    fn trace_without_events_is_valid() {
        let text = TraceWriter::new(Vec::new()).finish().unwrap();
        assert!(serde_json::from_slice::<Value>(&text).is_ok());
    }

    #[test]
    fn write_error_is_returned_by_finish() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut trace = TraceWriter::new(Full);
        trace.lane(0, "main");
        assert_eq!(trace.finish().err().unwrap().kind(), io::ErrorKind::StorageFull);
    }
}
