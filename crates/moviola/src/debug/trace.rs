//! A trace as Perfetto and Chrome's `about:tracing` read it: the Trace Event Format's JSON objects.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

/// The most events that a trace holds: viewers take no more.
const MOST: usize = 1_000_000;

/// Writes events as they come.
#[derive(Debug)]
pub(super) struct TraceWriter<W: Write> {
    out: W,
    events: usize,
    /// The first error of writing; nothing is written after it.
    failure: Option<io::Error>,
}

/// Something that took time on a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'a> {
    pub(super) name: &'a str,
    pub(super) lane: usize,
    /// Nanoseconds.
    pub(super) from: u64,
    /// Nanoseconds.
    pub(super) to: u64,
    /// Numbers that were told of it.
    pub(super) facts: &'a [(&'static str, u64)],
}

impl<W: Write> TraceWriter<W> {
    pub(super) fn new(mut out: W) -> Self {
        let begin = out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
        let mut trace = Self { out, events: 0, failure: begin.err() };
        let process = json!({"name": "moviola"});
        trace.put(&json!({"ph": "M", "pid": 1, "name": "process_name", "args": process}));
        trace
    }

    /// Names a thread, and puts it below those before it.
    pub(super) fn lane(&mut self, lane: usize, name: &str) {
        let tid = tid(lane);
        for (what, args) in [
            ("thread_name", json!({"name": name})),
            ("thread_sort_index", json!({"sort_index": tid})),
        ] {
            self.put(&json!({"ph": "M", "pid": 1, "tid": tid, "name": what, "args": args}));
        }
    }

    pub(super) fn slice(&mut self, slice: &Slice<'_>) {
        let Slice { name, lane, from, to, facts } = *slice;
        let facts: Map<_, _> =
            facts.iter().map(|(name, fact)| ((*name).to_owned(), Value::from(*fact))).collect();
        let (begin, length) = (micros(from), micros(to.saturating_sub(from)));
        self.put(&json!({
            "ph": "X", "pid": 1, "tid": tid(lane), "name": name, "ts": begin, "dur": length, "args": facts,
        }));
    }

    /// Notes a number that changes over time.
    pub(super) fn counter(&mut self, name: &str, time: u64, value: usize) {
        let value = json!({"results": value});
        self.put(&json!({"ph": "C", "pid": 1, "name": name, "ts": micros(time), "args": value}));
    }

    /// Notes what happened at a time: on a thread, or on one that is in no lane.
    pub(super) fn instant(&mut self, name: &str, lane: Option<usize>, time: u64, facts: &Value) {
        let mut event =
            json!({"ph": "i", "s": "p", "pid": 1, "name": name, "ts": micros(time), "args": facts});
        if let Some(lane) = lane {
            (event["s"], event["tid"]) = ("t".into(), tid(lane).into());
        }
        self.put(&event);
    }

    fn put(&mut self, event: &Value) {
        if self.events == MOST || self.failure.is_some() {
            return;
        }
        let comma = if self.events > 0 { ",\n" } else { "" };
        self.events += 1;
        self.failure = write!(self.out, "{comma}{event}").err();
    }

    /// Whether there were more events than a trace holds.
    pub(super) fn is_full(&self) -> bool {
        self.events == MOST
    }

    /// Completes the file and gives it back.
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

/// A lane's number in the trace, where 0 is what a processor does when it has nothing to do.
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
        let facts = [("bytes", 7)];
        let slice = Slice { name: "decode", lane: 3, from: 1500, to: 4000, facts: &facts };
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
    fn without_events_it_is_complete_too() {
        let text = TraceWriter::new(Vec::new()).finish().unwrap();
        assert!(serde_json::from_slice::<Value>(&text).is_ok());
    }

    #[test]
    fn a_full_disk_is_told_at_the_end() {
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
