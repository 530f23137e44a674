//! Remedies in the words of the command: its flags.

use moviola::remedy::{self, Remedy};

/// Has all messages of the libraries name flags.
pub(crate) fn install() {
    remedy::set_wording(word);
}

fn word(remedy: &Remedy) -> Option<String> {
    Some(match remedy {
        Remedy::RaiseMaxPixels { .. } => "--max-pixels".into(),
        Remedy::AllowProtocol(protocol) => format!("--allow-protocols {protocol}"),
        Remedy::ShrinkImage => "--max-size".into(),
        Remedy::Overwrite => "--overwrite".into(),
        Remedy::Resume => "--resume".into(),
        Remedy::ChooseHead(heads) => format!("--head {}", remedy::alternatives(heads)),
        Remedy::OmitHead => "--head".into(),
        Remedy::UsePrecision(precision) => format!("--precision {precision}"),
        Remedy::UseProvider(providers) => format!("--provider {}", remedy::alternatives(providers)),
        Remedy::OnlyKeyframes => "--on keyframes".into(),
        Remedy::SetThreads => "--threads".into(),
        Remedy::UseBulk => "moviola bulk".into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    fn remedies() -> Vec<Remedy> {
        vec![
            Remedy::RaiseMaxPixels { needed: 1 },
            Remedy::AllowProtocol("file".into()),
            Remedy::ShrinkImage,
            Remedy::Overwrite,
            Remedy::Resume,
            Remedy::ChooseHead(vec!["yolov8".into()]),
            Remedy::OmitHead,
            Remedy::UsePrecision("f32"),
            Remedy::UseProvider(vec!["openvino", "tensorrt"]),
            Remedy::OnlyKeyframes,
            Remedy::SetThreads,
        ]
    }

    #[test]
    fn every_flag_that_a_remedy_names_is_one_of_the_command() {
        let cli = Cli::command();
        let flags: Vec<String> = std::iter::once(&cli)
            .chain(cli.get_subcommands())
            .flat_map(|command| command.get_arguments())
            .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
            .collect();
        for remedy in remedies() {
            let text = word(&remedy).unwrap();
            let flag = text.split(' ').next().unwrap();
            assert!(flags.iter().any(|known| known == flag), "{remedy:?}: {text}");
        }
    }
}
