//! Rules for the code that a test can check.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use moviola_tests::clips;

/// The largest number of lines of a file before its first test module.
const MAX_LINES: usize = 400;

/// The crates in order: each may use only those before it.
const LAYERS: &[(&str, &str)] = &[
    ("av", "moviola-av"),
    ("media", "moviola-media"),
    ("infer", "moviola-infer"),
    ("moviola", "moviola"),
    ("cli", "moviola-cli"),
];

/// All files in `folder` with one of the extensions, without build output and hidden folders.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with('.') || name.starts_with("target") || name == "out" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Asserts that no file breaks a rule; `broken` returns how a file breaks it.
#[track_caller]
fn check_files(files: &[PathBuf], broken: impl Fn(&Path, &str) -> Option<String>) {
    let mut complaints = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).expect("a text file");
        let complaint = broken(file, &text);
        complaints.extend(complaint.map(|complaint| format!("{}: {complaint}", file.display())));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn sources() -> Vec<PathBuf> {
    files(&clips::root().join("crates"), &["rs"])
}

#[test]
fn files_are_short() {
    check_files(&sources(), |_, text| {
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        (lines > MAX_LINES).then(|| format!("{lines} lines"))
    });
}

#[test]
fn files_start_with_module_documentation() {
    let crates: Vec<_> = sources().into_iter().filter(|file| is_product(file)).collect();
    check_files(&crates, |_, text| {
        (!text.starts_with("//!")).then(|| "the first line is not module documentation".into())
    });
}

#[test]
fn files_end_with_a_newline() {
    let all = files(clips::root(), &["rs", "md", "toml", "py", "sh"]);
    check_files(&all, |_, text| {
        (!text.is_empty() && !text.ends_with('\n')).then(|| "no newline at the end".into())
    });
}

/// Whether a file is product code, not a test or a benchmark.
fn is_product(file: &Path) -> bool {
    let path = file.to_string_lossy();
    path.contains("/src/") && !path.ends_with("/tests.rs") && !path.contains("/tests/")
}

/// The product code of a file: everything before its test module.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

#[test]
fn unsafe_is_only_in_av_and_simd() {
    check_files(&sources(), |file, text| {
        let path = file.to_string_lossy();
        let allowed = path.contains("crates/av/") || path.contains("crates/media/src/simd/");
        let used = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
        (!allowed && used.iter().any(|word| text.contains(word))).then(|| "unsafe".into())
    });
}

#[test]
fn only_av_names_the_bindings() {
    let manifests = files(&clips::root().join("crates"), &["rs", "toml"]);
    check_files(&manifests, |file, text| {
        let named = text.contains("ffmpeg_sys_next") || text.contains("ffmpeg-sys-next");
        (named && !file.to_string_lossy().contains("crates/av/"))
            .then(|| "FFmpeg's bindings".into())
    });
}

#[test]
fn threads_start_in_one_place() {
    check_files(&sources(), |file, text| {
        let path = file.to_string_lossy();
        let below_facade =
            ["av", "media", "infer"].iter().any(|c| path.contains(&format!("crates/{c}/src")));
        let starts = ["thread::spawn", "thread::Builder", "thread::scope"];
        let started = starts.iter().any(|word| product(text).contains(word));
        (below_facade && is_product(file) && started && !path.contains("crates/media/src/workers/"))
            .then(|| "starts a thread".into())
    });
}

#[test]
fn the_product_starts_no_process_but_workers_and_has_no_unbounded_queue() {
    let isolate = Path::new("crates/moviola/src/bulk/isolate/process.rs");
    check_files(&sources(), |file, text| {
        let banned = ["Command::new(", "unbounded(", "unbounded_channel"];
        let banned = &banned[usize::from(file.ends_with(isolate))..];
        let found = banned.iter().find(|word| product(text).contains(**word));
        found.filter(|_| is_product(file)).map(|word| (*word).to_owned())
    });
}

/// Whether a line that is no comment names a command-line flag.
fn names_a_flag(line: &str) -> bool {
    let starts = |at: usize| line[at + 2..].starts_with(|c: char| c.is_ascii_lowercase());
    !line.trim_start().starts_with("//") && line.match_indices("--").any(|(at, _)| starts(at))
}

#[test]
fn libraries_name_no_flag() {
    check_files(&sources(), |file, text| {
        let is_library = is_product(file) && !file.to_string_lossy().contains("crates/cli/");
        let line = product(text).lines().find(|line| names_a_flag(line));
        line.filter(|_| is_library).map(|line| format!("names a flag: {}", line.trim()))
    });
}

#[test]
fn crates_depend_downwards_only() {
    for (layer, (folder, _)) in LAYERS.iter().enumerate() {
        let manifest = clips::root().join("crates").join(folder).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let product = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        let dependencies = product.split("[dependencies]").nth(1).unwrap_or_default();
        for (_, above) in &LAYERS[layer..] {
            let used =
                dependencies.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(*above));
            assert!(!used, "{folder} uses {above}, which is not below it");
        }
    }
    let command = fs::read_to_string(clips::root().join("crates/cli/Cargo.toml")).unwrap();
    let dependencies = command.split("[dev-dependencies]").next().unwrap_or_default();
    for (_, inner) in LAYERS.iter().filter(|(folder, _)| ["av", "media", "infer"].contains(folder))
    {
        assert!(!dependencies.contains(inner), "the command uses {inner}; it must use the facade");
    }
}

#[test]
fn links_in_documents_exist() {
    let documents = files(clips::root(), &["md"]);
    check_files(&documents, |file, text| {
        let folder = file.parent().unwrap_or(Path::new("."));
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let dead = targets
            .filter(|target| !target.starts_with("http") && !target.starts_with('#'))
            .map(|target| target.split('#').next().unwrap_or_default())
            .find(|target| !target.contains(' ') && !folder.join(target).exists());
        dead.map(|target| format!("dead link to {target}"))
    });
}

#[test]
fn paths_in_documents_exist() {
    let documents = files(clips::root(), &["md"]);
    let folders = ["crates/", "tests/", "native/", "benches/", "docs/", "models/", "testdata/"];
    check_files(&documents, |file, text| {
        let folder = file.parent().unwrap_or(Path::new("."));
        let quoted = text.split('`').skip(1).step_by(2);
        let gone = quoted
            .filter(|place| folders.iter().any(|folder| place.starts_with(folder)))
            .filter(|place| !place.contains(['*', '<', ' ', '{']))
            .find(|place| !clips::root().join(place).exists() && !folder.join(place).exists());
        gone.map(|place| format!("there is no {place}"))
    });
}

/// The layers of each crate's modules, as `ARCHITECTURE.md` declares them.
fn declared_layers() -> BTreeMap<String, Vec<BTreeSet<String>>> {
    let text = fs::read_to_string(clips::root().join("ARCHITECTURE.md")).expect("a text file");
    let block = text.split("```layers\n").nth(1).and_then(|rest| rest.split("```").next());
    let names = |layer: &str| layer.split(',').map(|name| name.trim().to_owned()).collect();
    let lines = block.expect("it declares layers").lines();
    let declared = lines.map(|line| line.split_once(':').expect("a crate and its layers"));
    declared.map(|(name, layers)| (name.into(), layers.split('→').map(names).collect())).collect()
}

/// The modules that a crate's root declares, and the module of each item that it exports.
fn root_modules(root: &str) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let modules = root.lines().filter_map(|line| {
        let declared = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        Some(declared.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    });
    let modules: BTreeSet<_> = modules.filter(|module| module != "tests").collect();
    let mut exported = BTreeMap::new();
    for statement in root.split("pub use ").skip(1) {
        let statement = statement.split(';').next().unwrap_or_default();
        let Some((module, items)) = statement.split_once("::") else { continue };
        let module = module.trim_start_matches("crate::");
        if modules.contains(module) {
            let items = items.split(|c: char| !c.is_alphanumeric() && c != '_');
            exported.extend(items.map(|item| (item.to_owned(), module.to_owned())));
        }
    }
    (modules, exported)
}

/// The first names of the paths that begin with `crate::` in the product's part of a file.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let code: String = product(text)
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .fold(String::new(), |code, line| code + line + "\n");
    let mut names = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        match path.strip_prefix('{') {
            Some(group) => names.extend(names_in_group(group)),
            None => names.extend(first_name(path)),
        }
    }
    names
}

/// The first names of the paths in a group, up to the brace that closes it.
fn names_in_group(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (place, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                names.extend(first_name(group[start..place].trim_start()));
                start = place + 1;
                if character == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

fn first_name(path: &str) -> Option<String> {
    let name: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn names_of_paths_are_found_in_groups_and_alone() {
    let code = "use crate::{a::{b, c}, d,\n e};\nlet x = crate::f::g(); // crate::h\n";
    let names: Vec<_> = crate_paths(code).into_iter().collect();
    assert_eq!(names, ["a", "d", "e", "f"]);
}

#[test]
fn modules_use_only_the_layers_before_theirs() {
    let mut complaints = Vec::new();
    let declared = declared_layers();
    for (folder, _) in LAYERS {
        let layers = declared.get(*folder).unwrap_or_else(|| panic!("no layers of {folder}"));
        let source = clips::root().join("crates").join(folder).join("src");
        let root = ["lib.rs", "main.rs"].map(|name| source.join(name));
        let root = root.iter().find(|file| file.exists()).expect("a crate's root");
        let (modules, exported) = root_modules(&fs::read_to_string(root).expect("a text file"));
        let all: BTreeSet<_> = layers.iter().flatten().cloned().collect();
        assert_eq!(all, modules, "the layers of {folder} are not its modules");
        let layer_of = |module: &str| layers.iter().position(|layer| layer.contains(module));
        for file in files(&source, &["rs"]) {
            let inside = file.strip_prefix(&source).expect("it is inside").to_string_lossy();
            let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
            if !is_product(&file) || !modules.contains(module) {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a text file");
            for name in crate_paths(&text) {
                let used = exported.get(&name).unwrap_or(&name);
                if used != module
                    && layer_of(used).is_some_and(|used| Some(used) >= layer_of(module))
                {
                    complaints.push(format!("{}: {module} uses {used}", file.display()));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Words of an earlier private dialect. Each has a plain one in `docs/glossary.md`.
const BANNED: [&str; 25] = [
    "Errand",
    "Relay",
    "Crew",
    "Joiner",
    "Mender",
    "Searcher",
    "Looker",
    "Leftovers",
    "bury",
    "entrance",
    "Entrance",
    "sound",
    "Sound",
    "Engines",
    "FrameFacts",
    "PlaceRecord",
    "Heard",
    "Lender",
    "Loan",
    "Told",
    "Ahead",
    "Refusal",
    "nobody",
    "whoever",
    "somebody",
];

#[test]
fn words_of_the_private_dialect_do_not_come_back() {
    let all = files(clips::root(), &["rs", "md", "py", "toml"]);
    let all: Vec<_> = all.into_iter().filter(|file| !file.ends_with("tests/tidy.rs")).collect();
    check_files(&all, |file, text| {
        // Archived figures, and messages of earlier builds.
        let archived = ["benches/results", "tests/compare/expected.py"];
        if archived.iter().any(|part| file.to_string_lossy().contains(part)) {
            return None;
        }
        let is_word = |c: char| !c.is_alphanumeric() && c != '_';
        let found = text.split(is_word).find(|word| BANNED.contains(word));
        found.map(|word| format!("says {word:?}"))
    });
}
