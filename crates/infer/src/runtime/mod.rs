//! ONNX Runtime's shared library: found and loaded once, and kept until the process ends.
//!
//! The `ort` crate panics if a function is called before the library is loaded, so all uses of it
//! in this crate need a [`Runtime`].

pub(crate) mod log;
pub mod search;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ort::environment::Environment;

use crate::error::{Error, Result, SearchedPlace};
use crate::provider::Provider;
use crate::provider::options::is_built_in;
use search::{SearchEnvironment, SearchPlace, libraries_in};

static LOADED: OnceLock<Runtime> = OnceLock::new();

/// The loaded ONNX Runtime.
#[derive(Debug)]
pub struct Runtime {
    environment: Environment,
    path: PathBuf,
    /// Where it was found, for messages.
    place: String,
    version: String,
}

impl Runtime {
    /// Finds and loads ONNX Runtime; later calls return the same one.
    ///
    /// It is searched in this order: the file in `ORT_DYLIB_PATH` and the folder in
    /// `MOVIOLA_ORT_DIR`, which must contain a usable library if they are set; the folder in
    /// `MOVIOLA_ORT_DIR` when the program was built; the program's folder and `../lib`; Moviola's
    /// cache; the `onnxruntime` package of the active Python environment and of the Pythons on
    /// `PATH`; the system's library folders. Version 1.22 or newer is needed.
    ///
    /// # Errors
    ///
    /// [`Error::RuntimeMissing`] if there is none, with all searched places;
    /// [`Error::RuntimeUnusable`] if the one in a variable can't be used. A later call searches
    /// again.
    pub fn load() -> Result<&'static Self> {
        static LOADING: Mutex<()> = Mutex::new(());
        if let Some(runtime) = LOADED.get() {
            return Ok(runtime);
        }
        let _guard = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        match LOADED.get() {
            Some(runtime) => Ok(runtime),
            None => {
                let runtime = find(&SearchEnvironment::current())?;
                tracing::debug!(path = %runtime.path.display(), version = %runtime.version,
                    place = %runtime.place, "loaded ONNX Runtime");
                Ok(LOADED.get_or_init(|| runtime))
            }
        }
    }

    /// The library's version, for example "1.24.1".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The file that was loaded; only its name if the dynamic linker found it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The place where the library was found, for example "Moviola's cache (/home/me/.cache/…)".
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The providers that the library includes. Their drivers or devices may still be missing.
    pub fn providers(&self) -> Vec<Provider> {
        Provider::ALL.into_iter().filter(|&provider| is_built_in(provider)).collect()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Tries all places in order and loads the first usable library.
fn find(environment: &SearchEnvironment) -> Result<Runtime> {
    let mut searched = Vec::new();
    for place in environment.places() {
        let at = describe(&place);
        let found = match &place {
            SearchPlace::NamedFile { file, .. } => {
                return open(&absolute(file), &at)
                    .map_err(|reason| Error::RuntimeUnusable { path: file.clone(), reason });
            }
            SearchPlace::NamedFolder { folder, .. } => {
                return open_any(&absolute(folder), &at)
                    .map_err(|reason| Error::RuntimeUnusable { path: folder.clone(), reason });
            }
            SearchPlace::Folder { folder, .. } => open_any(folder, &at),
            SearchPlace::Linker { name } => open(Path::new(name), &at),
        };
        match found {
            Ok(runtime) => return Ok(runtime),
            Err(found) => searched.push(SearchedPlace { at, found }),
        }
    }
    Err(Error::RuntimeMissing { looked: searched })
}

/// Describes a place for messages.
fn describe(place: &SearchPlace) -> String {
    match place {
        SearchPlace::NamedFile { variable, file: path }
        | SearchPlace::NamedFolder { variable, folder: path } => {
            format!("{variable} ({})", path.display())
        }
        SearchPlace::Folder { label, folder } => format!("{label} ({})", folder.display()),
        SearchPlace::Linker { name } => format!("the dynamic linker ({name})"),
    }
}

/// Makes a path absolute, based on the current directory; `ort` would use the program's folder.
fn absolute(path: &Path) -> PathBuf {
    env::current_dir().map_or_else(|_| path.to_owned(), |current| current.join(path))
}

/// Loads the first usable library of a folder. `Err` is a message with the reasons.
fn open_any(folder: &Path, place: &str) -> Result<Runtime, String> {
    if !folder.is_dir() {
        return Err("no such folder".into());
    }
    let mut reasons = Vec::new();
    for file in libraries_in(folder) {
        match open(&file, place) {
            Ok(runtime) => return Ok(runtime),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(if reasons.is_empty() { "no libonnxruntime".into() } else { reasons.join("; ") })
}

/// Loads a library. `Err` is a message; `ort` can then load another one.
fn open(file: &Path, place: &str) -> Result<Runtime, String> {
    if file.is_dir() {
        return Err("this is a folder; name the library in it".into());
    }
    let builder = ort::init_from(file).map_err(|failure| explain(&failure))?;
    let environment = builder
        .with_name("moviola")
        .with_telemetry(false)
        .with_logger(Arc::new(log::emit))
        .build()
        .map_err(|failure| failure.to_string())?;
    environment.set_log_level(log::level());
    let version = version_of(ort::info(), file);
    Ok(Runtime { environment, path: file.to_owned(), place: place.to_owned(), version })
}

/// The message for a failure to load.
fn explain(failure: &ort::LoadDynamicError) -> String {
    use ort::LoadDynamicError as Failure;
    match failure {
        Failure::Dlopen { error, .. } => {
            // libloading has the linker's message in the cause.
            let cause = std::error::Error::source(error).map(ToString::to_string);
            cause.unwrap_or_else(|| error.to_string())
        }
        Failure::MissingApi { .. } => "this library is not ONNX Runtime".into(),
        Failure::InvalidVersionString => "its version can't be read".into(),
        Failure::BadVersion { version_str, .. } => {
            format!("version {version_str} is too old; 1.{} or newer is needed", ort::MINOR_VERSION)
        }
    }
}

/// The version from ONNX Runtime's build information, else from the file's name.
fn version_of(info: &str, file: &Path) -> String {
    let branch = info.split("git-branch=").nth(1).and_then(|rest| rest.split(',').next());
    let released = branch.and_then(|branch| branch.strip_prefix("rel-"));
    let real = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = real.file_name().map(|name| name.to_string_lossy().into_owned());
    let named = name.as_deref().and_then(|name| name.split_once("onnxruntime."));
    let named = named.map(|(_, rest)| rest.trim_start_matches("so.").trim_end_matches(".dylib"));
    let is_number = |text: &&str| text.starts_with(|first: char| first.is_ascii_digit());
    let version = released.filter(is_number).or(named.filter(is_number)).or(branch);
    version.unwrap_or("of unknown version").trim().to_owned()
}

#[cfg(test)]
mod tests;
