//! The places where an ONNX Runtime library may be on this machine.
//!
//! The search only lists files: it loads no library and starts no process.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A place to search for the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SearchPlace {
    /// A library in an environment variable: it must load.
    NamedFile { variable: &'static str, file: PathBuf },
    /// A folder in an environment variable: it must contain a library that loads.
    NamedFolder { variable: &'static str, folder: PathBuf },
    /// A folder that may contain a library.
    Folder { label: String, folder: PathBuf },
    /// A file name, for the dynamic linker's own search.
    Linker { name: &'static str },
}

/// The environment variables and paths that the search depends on. Tests set their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchEnvironment {
    /// `ORT_DYLIB_PATH`.
    pub(crate) dylib: Option<OsString>,
    /// `MOVIOLA_ORT_DIR` at run time.
    pub(crate) folder: Option<OsString>,
    /// `MOVIOLA_ORT_DIR` when this crate was built.
    pub(crate) built_with: Option<PathBuf>,
    /// The path of the running program.
    pub(crate) program: Option<PathBuf>,
    /// The user's cache directory.
    pub(crate) cache: Option<PathBuf>,
    /// Prefixes of Python environments, the active one first.
    pub(crate) pythons: Vec<PathBuf>,
    /// The system's library directories.
    pub(crate) system: Vec<PathBuf>,
}

impl SearchEnvironment {
    /// The values of this process.
    pub(crate) fn current() -> Self {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let home = set("HOME").or_else(|| set("USERPROFILE")).map(PathBuf::from);
        let caches = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
        Self {
            dylib: set("ORT_DYLIB_PATH"),
            folder: set("MOVIOLA_ORT_DIR"),
            built_with: option_env!("MOVIOLA_ORT_DIR").map(PathBuf::from),
            program: env::current_exe().ok(),
            cache: cache.or_else(|| home.map(|home| home.join(caches))),
            pythons: python_prefixes(set("VIRTUAL_ENV"), set("CONDA_PREFIX"), set("PATH")),
            system: system_folders(set("LD_LIBRARY_PATH")),
        }
    }

    /// All places, in search order.
    pub(crate) fn places(&self) -> Vec<SearchPlace> {
        let mut places = Vec::new();
        if let Some(file) = &self.dylib {
            places.push(SearchPlace::NamedFile { variable: "ORT_DYLIB_PATH", file: file.into() });
        }
        if let Some(folder) = &self.folder {
            let variable = "MOVIOLA_ORT_DIR";
            places.push(SearchPlace::NamedFolder { variable, folder: folder.into() });
        }
        let folder =
            |label: &str, folder: PathBuf| SearchPlace::Folder { label: label.into(), folder };
        let built_with = self.built_with.iter().cloned();
        places
            .extend(built_with.map(|path| folder("the folder this program was built with", path)));
        if let Some(beside) = self.program.as_deref().and_then(Path::parent) {
            places.push(folder("next to the program", beside.into()));
            if let Some(prefix) = beside.parent() {
                places.push(folder("the program's lib folder", prefix.join("lib")));
            }
        }
        let cached = self.cache.iter().map(|cache| cache.join("moviola/native"));
        places.extend(cached.flat_map(builds).map(|path| folder("Moviola's cache", path)));
        let packages = self.pythons.iter().flat_map(|prefix| site_packages(prefix));
        places.extend(packages.map(|path| folder("Python's onnxruntime package", path)));
        places.extend(self.system.iter().cloned().map(|path| folder("the system", path)));
        places.extend(LINKER_NAMES.iter().map(|&name| SearchPlace::Linker { name }));
        places
    }
}

/// File names for the dynamic linker, which searches more folders than this crate.
#[cfg(target_os = "macos")]
const LINKER_NAMES: &[&str] = &["libonnxruntime.dylib"];
#[cfg(windows)]
const LINKER_NAMES: &[&str] = &[]; // the system's onnxruntime.dll is too old
#[cfg(not(any(target_os = "macos", windows)))]
const LINKER_NAMES: &[&str] = &["libonnxruntime.so.1", "libonnxruntime.so"];

/// The ONNX Runtime libraries in a folder, the newest version first.
pub(crate) fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((version(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    let mut seen = HashSet::new();
    let mut unseen = |path: &PathBuf| match fs::canonicalize(path) {
        Ok(real) => seen.insert(real),
        Err(_) => true, // a dangling link: loading it says so
    };
    found.into_iter().map(|(_, path)| path).filter(|path| unseen(path)).collect()
}

/// The version in a library's file name, empty if there is none; `None` for other files.
fn version(name: &str) -> Option<Vec<u32>> {
    let numbers = if let Some(rest) = name.strip_prefix("libonnxruntime.so") {
        rest
    } else if let Some(rest) = name.strip_prefix("libonnxruntime") {
        rest.strip_suffix(".dylib")?
    } else if name.eq_ignore_ascii_case("onnxruntime.dll") {
        ""
    } else {
        return None;
    };
    match numbers.strip_prefix('.') {
        None => numbers.is_empty().then(Vec::new),
        Some(numbers) => numbers.split('.').map(|number| number.parse().ok()).collect(),
    }
}

/// The folders `*/lib` with a library in Moviola's cache, the newest build first.
fn builds(cache: PathBuf) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(cache) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path().join("lib"))
        .filter(|lib| lib.is_dir() && !libraries_in(lib).is_empty())
        .map(|lib| (fs::metadata(&lib).and_then(|data| data.modified()).ok(), lib))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, lib)| lib).collect()
}

/// The prefixes of the Python environments that `python` would use.
fn python_prefixes(
    active: Option<OsString>,
    conda: Option<OsString>,
    path: Option<OsString>,
) -> Vec<PathBuf> {
    let mut prefixes: Vec<PathBuf> = active.into_iter().chain(conda).map(PathBuf::from).collect();
    for folder in path.iter().flat_map(env::split_paths) {
        for name in ["python3", "python", "python.exe"] {
            let python = folder.join(name);
            if python.is_file() {
                prefixes.extend(folder.parent().map(Path::to_owned));
                // If it is a link, its target's prefix may have the packages.
                let real = fs::canonicalize(&python).ok();
                let prefix = real.as_deref().and_then(Path::parent).and_then(Path::parent);
                prefixes.extend(prefix.map(Path::to_owned));
            }
        }
    }
    let mut seen = HashSet::new();
    prefixes.retain(|prefix| seen.insert(prefix.clone()));
    prefixes
}

/// The existing folders `onnxruntime/capi` of all Python versions in a prefix.
fn site_packages(prefix: &Path) -> Vec<PathBuf> {
    let versions = fs::read_dir(prefix.join("lib")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
        .map(|entry| entry.path())
        .chain([prefix.join("Lib")]) // Windows
        .map(|lib| lib.join("site-packages/onnxruntime/capi"))
        .filter(|capi| capi.is_dir())
        .collect();
    found.sort();
    found
}

/// The system's library folders, those in `LD_LIBRARY_PATH` first.
fn system_folders(library_path: Option<OsString>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = library_path.iter().flat_map(env::split_paths).collect();
    folders.retain(|folder| folder.is_absolute());
    let machine = env::consts::ARCH;
    if cfg!(target_os = "linux") {
        folders.extend(["/usr/local/lib", "/usr/local/lib64"].map(PathBuf::from));
        folders.push(format!("/usr/lib/{machine}-linux-gnu").into());
        folders.extend(["/usr/lib64", "/usr/lib"].map(PathBuf::from));
    } else if cfg!(target_os = "macos") {
        folders.extend(["/opt/homebrew/lib", "/usr/local/lib"].map(PathBuf::from));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_file_names() {
        assert_eq!(version("libonnxruntime.so.1.24.1"), Some(vec![1, 24, 1]));
        assert_eq!(version("libonnxruntime.so"), Some(vec![]));
        assert_eq!(version("libonnxruntime.1.24.1.dylib"), Some(vec![1, 24, 1]));
        assert_eq!(version("libonnxruntime.dylib"), Some(vec![]));
        assert_eq!(version("onnxruntime.dll"), Some(vec![]));
        assert_eq!(version("libonnxruntime_providers_shared.so"), None);
        assert_eq!(version("libonnxruntime.so.1.x"), None);
    }

    #[test]
    fn the_newest_version_comes_first_and_links_are_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.24.1", "libother.so"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(
            "libonnxruntime.so.1.24.1",
            folder.path().join("libonnxruntime.so"),
        )
        .unwrap();
        let names: Vec<_> = libraries_in(folder.path())
            .into_iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["libonnxruntime.so.1.24.1", "libonnxruntime.so.1.9.0"]);
    }

    #[test]
    fn places_follow_the_documented_order() {
        let root = tempfile::tempdir().unwrap();
        let native = root.path().join("cache/moviola/native/onnxruntime-0/lib");
        let capi = root.path().join("venv/lib/python3.12/site-packages/onnxruntime/capi");
        for folder in [&native, &capi] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(native.join("libonnxruntime.so"), "").unwrap();
        let environment = SearchEnvironment {
            dylib: Some("a.so".into()),
            folder: Some("named".into()),
            built_with: Some("built".into()),
            program: Some("/opt/moviola/bin/moviola".into()),
            cache: Some(root.path().join("cache")),
            pythons: vec![root.path().join("venv")],
            system: vec!["/usr/lib".into()],
        };
        let places = environment.places();
        assert!(
            matches!(&places[0], SearchPlace::NamedFile { file, .. } if file == Path::new("a.so"))
        );
        assert!(matches!(&places[1], SearchPlace::NamedFolder { .. }));
        let folders: Vec<_> = places
            .iter()
            .filter_map(|place| match place {
                SearchPlace::Folder { folder, .. } => Some(folder.clone()),
                _ => None,
            })
            .collect();
        let fixed = ["built", "/opt/moviola/bin", "/opt/moviola/lib"].map(PathBuf::from);
        assert_eq!(folders[..3], fixed);
        assert_eq!(folders[3..], [native, capi, "/usr/lib".into()]);
    }

    #[test]
    fn a_python_on_the_path_gives_its_own_prefix_and_the_linked_one() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["real/bin", "venv/bin"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let real = root.path().join("real/bin/python3");
        fs::write(&real, "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&real, root.path().join("venv/bin/python3")).unwrap();
        let path = Some(root.path().join("venv/bin").into_os_string());
        let prefixes = python_prefixes(None, None, path);
        let real = fs::canonicalize(root.path().join("real")).unwrap();
        assert_eq!(prefixes, [root.path().join("venv"), real]);
    }
}
