//! The note about the provider that runs the model.

use moviola::infer::provider::ProviderReport;

use crate::console::Console;

/// A note that is written once: which provider runs the model, in which precision, and why.
#[derive(Debug, Default)]
pub(crate) struct ProviderNotice {
    is_given: bool,
}

impl ProviderNotice {
    /// Writes the note at the first call, if there is a model.
    ///
    /// # Errors
    ///
    /// That of `provider`: the model can't be loaded.
    pub(crate) fn give<E>(
        &mut self,
        provider: impl FnOnce() -> Result<Option<ProviderReport>, E>,
        out: &Console,
    ) -> Result<(), E> {
        if std::mem::replace(&mut self.is_given, true) {
            return Ok(());
        }
        if let Some(report) = provider()? {
            let ProviderReport { provider, precision, reason, .. } = report;
            out.note(format_args!("the model runs on {provider} in {precision}: {reason}"));
        }
        Ok(())
    }
}
