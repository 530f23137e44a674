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

    #[test]
    fn every_remedy_names_a_flag_or_a_subcommand_that_exists() {
        let cli = Cli::command();
        let flags: Vec<String> = std::iter::once(&cli)
            .chain(cli.get_subcommands())
            .flat_map(|command| command.get_arguments())
            .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
            .collect();
        for remedy in Remedy::examples() {
            let text = word(&remedy).unwrap_or_else(|| panic!("{remedy:?} has no wording"));
            match text.strip_prefix("moviola ") {
                Some(command) => assert!(cli.find_subcommand(command).is_some(), "{text}"),
                None => {
                    let flag = text.split(' ').next().unwrap();
                    assert!(flags.iter().any(|known| known == flag), "{remedy:?}: {text}");
                }
            }
        }
    }
}
