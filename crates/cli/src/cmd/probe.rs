//! `moviola probe`: describes sources.

use std::io;

use moviola::records::{
    AudioRecord, ErrorRecord, Probe as Report, Record, Tally, VideoRecord, probe,
};

use crate::{
    console::Console,
    exit::Exit,
    global::Global,
    interrupt,
    source_args::{IndexArgs, SourceArgs},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Probe {
    #[command(flatten)]
    sources: SourceArgs,
    /// Print one record each instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    index_args: IndexArgs,
}

impl Probe {
    pub(crate) fn run(&self, global: &Global, out: &mut Console) -> anyhow::Result<Exit> {
        self.sources.check()?;
        let options = self.index_args.source_options(global);
        let mut tally = Tally::default();
        for source in self.sources.sources() {
            let name = source.name().to_owned();
            let report = probe(source, &options);
            if interrupt::is_requested() {
                return Ok(Exit::Interrupted);
            }
            match report {
                Ok(mut report) => {
                    tally.flawless += 1;
                    let missing = std::mem::take(&mut report.missing);
                    tally.errors += missing.len() as u64;
                    self.print(report, out)?;
                    missing.into_iter().try_for_each(|error| self.complain(error, out))?;
                }
                Err(error) => {
                    tally.errors += 1;
                    self.complain(ErrorRecord::new(&name, &error), out)?;
                }
            }
        }
        Ok(Exit::from_tally(&tally))
    }

    fn print(&self, report: Report, out: &mut Console) -> io::Result<()> {
        if self.json { out.record(&Record::Probe(report)) } else { out.text(&table(&report)) }
    }

    fn complain(&self, error: ErrorRecord, out: &mut Console) -> io::Result<()> {
        if self.json {
            return out.source_record(&Record::Error(error));
        }
        out.source_error(&error);
        Ok(())
    }
}

fn table(report: &Report) -> String {
    let mut text = format!("\x1b[1m{}\x1b[0m\n", report.source);
    let mut row = |name: &str, value: String| text += &format!("  {name:<11}{value}\n");
    row("container", report.container.clone());
    row("duration", report.duration.map_or("unknown".into(), |seconds| format!("{seconds} s")));
    if let Some(video) = &report.video {
        row("video", describe_video(video));
        row("rotation", describe_rotation(video));
        row("colour", describe_color(video));
        row("frames", report.frames.map_or("not counted".into(), |count| count.to_string()));
        let keyframes = report.keyframes.map(|count| count.to_string());
        row("keyframes", keyframes.unwrap_or("not listed in the file".into()));
    }
    if let Some(audio) = &report.audio {
        row("audio", describe_audio(audio));
    }
    let streams = report.streams.iter().map(|stream| {
        let language = stream.language.iter().map(|language| format!(" ({language})"));
        let mark = if stream.selected { "*" } else { "" };
        let (language, codec) = (language.collect::<String>(), &stream.codec);
        format!("{mark}{} {} {codec}{language}", stream.index, stream.kind)
    });
    let legend = if report.streams.iter().any(|it| it.selected) { " (* selected)" } else { "" };
    row("streams", streams.collect::<Vec<_>>().join(" · ") + legend);
    text
}

fn describe_video(video: &VideoRecord) -> String {
    let mut facts = vec![video.codec.clone()];
    facts.extend(video.width.zip(video.height).map(|(w, h)| format!("{w}x{h}")));
    facts.extend(video.sample_aspect.map(|[x, y]| format!("pixels {x}:{y}")));
    facts.extend(video.frame_rate.map(|rate| format!("{} frames/s", (rate * 1e3).round() / 1e3)));
    facts.extend(video.pixel_format.clone());
    facts.join(", ")
}

fn describe_rotation(video: &VideoRecord) -> String {
    let mirrored = if video.mirrored { ", mirrored" } else { "" };
    match video.rotation {
        0 => format!("none{mirrored}"),
        degrees => format!("{degrees}° clockwise{mirrored}"),
    }
}

fn describe_color(video: &VideoRecord) -> String {
    let color = video.color.clone().unwrap_or_default();
    let known: Vec<_> = [color.matrix, color.range].into_iter().flatten().collect();
    if known.is_empty() { "not said".into() } else { known.join(", ") }
}

fn describe_audio(audio: &AudioRecord) -> String {
    let mut facts = vec![audio.codec.clone()];
    facts.extend(audio.sample_rate.map(|rate| format!("{rate} Hz")));
    facts.extend(audio.channels.map(|count| match count {
        1 => "1 channel".to_owned(),
        _ => format!("{count} channels"),
    }));
    facts.join(", ")
}
