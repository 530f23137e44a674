//! `moviola detect`: objects on keyframes or other frames.

use std::{fs::File, path::PathBuf};

use anyhow::{Context, bail};
use moviola::{
    detect::{Detectors, Model, On},
    infer::{
        detect::{DetectorOptions, filter::ClassFilter, head::HeadKind},
        model::ModelOptions,
        provider::{Precision, Provider},
        session::SessionOptions,
    },
    sink::images::Numbering,
    video::OnDamage,
};

use crate::{
    args::Global,
    exit::Exit,
    input::{IndexArgs, Inputs},
    output::Output,
    pictures::Folders,
    report::each_source,
    search::Search,
    times::parse_step,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Detect {
    #[command(flatten)]
    inputs: Inputs,
    /// An ONNX file of a YOLO family, or `demo` for the built-in model
    #[arg(short, long)]
    model: PathBuf,
    /// Frames to look at: `keyframes`, `all`, or those shown `every:0.5s`
    #[arg(long, value_name = "FRAMES", default_value = "keyframes", value_parser = parse_on)]
    on: On,
    /// What to do about damaged frames: keep, fail, skip, repeat the last whole one, black; not with
    /// keyframes
    #[arg(long, value_name = "HOW", default_value = "keep")]
    on_damage: OnDamage,
    /// Leave out what is less sure than this
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = parse_share)]
    conf: f32,
    /// Of two boxes that overlap more than this, the less sure one goes
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = parse_share)]
    iou: f32,
    /// The most objects on one frame
    #[arg(long, value_name = "N", default_value_t = 300)]
    max_det: usize,
    /// Only these classes, by number or name, such as `0,2` or `person,car`
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true)]
    classes: ClassFilter,
    /// Thin out overlapping boxes of different classes too
    #[arg(long)]
    agnostic_nms: bool,
    #[arg(long, value_name = "DIR", help = "Draw the boxes into DIR/<stem>/<number>.jpg")]
    annotate: Option<PathBuf>,
    /// Replace images that are there already
    #[arg(long)]
    overwrite: bool,
    /// How the model's output is read where the file leaves it open: yolov5, yolov8, yolov10, yolox
    #[arg(long)]
    head: Option<HeadKind>,
    /// What runs the model: auto, cpu, openvino, cuda, tensorrt, coreml
    #[arg(long, default_value_t)]
    provider: Provider,
    /// The arithmetic in the model: f32, bf16, f16
    #[arg(long, default_value_t)]
    precision: Precision,
    /// Threads for decoding and for the model together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    #[command(flatten)]
    index_args: IndexArgs,
}

fn parse_on(text: &str) -> Result<On, String> {
    match (text, text.strip_prefix("every:")) {
        ("keyframes", _) => Ok(On::Keyframes),
        ("all", _) => Ok(On::All),
        (_, Some(step)) => parse_step(step).map(On::Every),
        _ => Err("expected keyframes, all or every:TIME".into()),
    }
}

fn parse_share(text: &str) -> Result<f32, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0.0 to 1.0".into())
}

impl Detect {
    pub(crate) fn run(&self, global: &Global, out: &mut Output) -> anyhow::Result<Exit> {
        self.inputs.check()?;
        if self.on == On::Keyframes && self.on_damage != OnDamage::Keep {
            bail!("--on-damage takes --on all or --on every:TIME");
        }
        let model = Model::parse(&self.model);
        if let Model::File(path) = &model {
            // What else may be wrong with it is found out while the first source is opened.
            File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        }
        let mut options = self.index_args.source_options(global);
        options.on_damage = self.on_damage;
        options.decoders = self.threads.map_or(options.decoders, usize::from);
        let detectors = Detectors::load(&model, &self.detector_options(), options.decoders)?;
        let mut search = Search::new(detectors, self.on, options);
        let numbering = match self.on {
            On::Keyframes => Numbering::Keyframes,
            On::All | On::Every(_) => Numbering::Frames,
        };
        let folders = Folders::new(self.annotate.as_deref(), "jpg", numbering, self.overwrite);
        each_source(&self.inputs, folders, out, |source, folder, report| {
            search.read(source, folder, report)
        })
    }

    fn detector_options(&self) -> DetectorOptions {
        // One thread each: all workers together keep the cores busy.
        let (provider, precision) = (self.provider, self.precision);
        DetectorOptions {
            session: SessionOptions { provider, precision, threads: 1 },
            model: ModelOptions { head: self.head, ..ModelOptions::default() },
            confidence: self.conf,
            iou: self.iou,
            most: self.max_det,
            classes: self.classes.clone(),
            agnostic_nms: self.agnostic_nms,
        }
    }
}
