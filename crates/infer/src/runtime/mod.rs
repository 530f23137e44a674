//! ONNX Runtime's shared library: found, loaded once, and kept to the end of the process.
//!
//! The `ort` crate panics if any of its functions is called before a library is loaded, so every
//! use of it in this crate starts from a [`Runtime`].

pub(crate) mod log;
pub mod search;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ort::environment::Environment;

use crate::error::{Error, Result};
use crate::provider::Provider;
use crate::provider::options::is_built_in;
use search::{Looked, Place, Surroundings, libraries_in};

static LOADED: OnceLock<Runtime> = OnceLock::new();

/// The loaded ONNX Runtime.
#[derive(Debug)]
pub struct Runtime {
    environment: Environment,
    path: PathBuf,
    place: String,
    version: String,
}

impl Runtime {
    /// Finds and loads ONNX Runtime; later calls give the same one.
    ///
    /// Looked for, in this order: the file in `ORT_DYLIB_PATH` and the folder in
    /// `MOVIOLA_ORT_DIR`, which must hold a usable library if they are set; the folder that
    /// `MOVIOLA_ORT_DIR` named when the program was built; next to the program and in `../lib`;
    /// Moviola's cache; the `onnxruntime` package of the active Python environment and of the
    /// Pythons on `PATH`; the system's library folders. Version 1.22 or newer is needed.
    ///
    /// # Errors
    ///
    /// [`Error::RuntimeMissing`] if there is none, with all places; [`Error::RuntimeUnusable`] if
    /// one that was named can't be used. A later call tries again.
    pub fn load() -> Result<&'static Self> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        if let Some(runtime) = LOADED.get() {
            return Ok(runtime);
        }
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        match LOADED.get() {
            Some(runtime) => Ok(runtime),
            None => {
                let runtime = find(&Surroundings::current())?;
                tracing::debug!(path = %runtime.path.display(), version = %runtime.version,
                    place = %runtime.place, "loaded ONNX Runtime");
                Ok(LOADED.get_or_init(|| runtime))
            }
        }
    }

    /// The library's own version, for example "1.24.1".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The file that was loaded; a bare name if the dynamic linker found it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which of the places the library comes from, for example "Moviola's cache".
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The providers that the library was built with. A driver or device may still be missing.
    pub fn providers(&self) -> Vec<Provider> {
        Provider::ALL.into_iter().filter(|&provider| is_built_in(provider)).collect()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Tries all places in turn.
fn find(surroundings: &Surroundings) -> Result<Runtime> {
    let mut looked = Vec::new();
    for place in surroundings.places() {
        let at = describe(&place);
        let found = match &place {
            Place::Named { file, .. } => {
                return open(&absolute(file), &at)
                    .map_err(|reason| Error::RuntimeUnusable { path: file.clone(), reason });
            }
            Place::NamedFolder { folder, .. } => {
                return open_any(&absolute(folder), &at)
                    .map_err(|reason| Error::RuntimeUnusable { path: folder.clone(), reason });
            }
            Place::Folder { folder, .. } => open_any(folder, &at),
            Place::Linker { name } => open(Path::new(name), &at),
        };
        match found {
            Ok(runtime) => return Ok(runtime),
            Err(found) => looked.push(Looked { at, found }),
        }
    }
    Err(Error::RuntimeMissing { looked })
}

fn describe(place: &Place) -> String {
    match place {
        Place::Named { variable, file: path } | Place::NamedFolder { variable, folder: path } => {
            format!("{variable} ({})", path.display())
        }
        Place::Folder { label, folder } => format!("{label} ({})", folder.display()),
        Place::Linker { name } => format!("the dynamic linker ({name})"),
    }
}

/// A relative path means the current directory; `ort` would take the program's.
fn absolute(path: &Path) -> PathBuf {
    env::current_dir().map_or_else(|_| path.to_owned(), |current| current.join(path))
}

/// The first library of a folder that loads.
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

/// Loads one library; on failure `ort` is untouched and can try another.
fn open(file: &Path, place: &str) -> Result<Runtime, String> {
    if file.is_dir() {
        return Err("this is a folder; name the library in it".into());
    }
    let builder = ort::init_from(file).map_err(|failure| explain(&failure))?;
    let environment = builder
        .with_name("moviola")
        .with_telemetry(false)
        .with_logger(Arc::new(log::write))
        .build()
        .map_err(|failure| failure.to_string())?;
    environment.set_log_level(log::level());
    let version = version_of(ort::info(), file);
    Ok(Runtime { environment, path: file.to_owned(), place: place.to_owned(), version })
}

/// A loading failure in the user's words.
fn explain(failure: &ort::LoadDynamicError) -> String {
    use ort::LoadDynamicError as Failure;
    match failure {
        Failure::Dlopen { error, .. } => {
            // libloading hides the linker's words in the cause.
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

/// The version in ONNX Runtime's build information, else in the file's name.
fn version_of(info: &str, file: &Path) -> String {
    let branch = info.split("git-branch=").nth(1).and_then(|rest| rest.split(',').next());
    let released = branch.and_then(|branch| branch.strip_prefix("rel-"));
    let real = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = real.file_name().map(|name| name.to_string_lossy().into_owned());
    let named = name.as_deref().and_then(|name| name.split_once("onnxruntime."));
    let named = named.map(|(_, rest)| rest.trim_start_matches("so.").trim_end_matches(".dylib"));
    let numbered = |text: &&str| text.starts_with(|first: char| first.is_ascii_digit());
    let version = released.filter(numbered).or(named.filter(numbered)).or(branch);
    version.unwrap_or("of unknown version").trim().to_owned()
}

#[cfg(test)]
mod tests;
