//! What words mean.

use std::{ffi::OsStr, os::unix::fs::symlink};

use super::*;

/// The names of what is found, relative to `folder`, and whether it can be a source; the results go
/// to `results` in it.
fn found_beside(folder: &Path, words: &[&str], results: &[&str]) -> Vec<(String, bool)> {
    let words = words.iter().map(|word| word.replace("DIR", folder.to_str().unwrap()));
    let results: Vec<_> = results.iter().map(|name| folder.join(name)).collect();
    let strip = |name: &str| {
        Path::new(name).strip_prefix(folder).map_or(name.into(), |path| path.display().to_string())
    };
    find(words.map(Into::into).collect(), &results)
        .map(|one| (strip(&one.name), one.source.is_ok()))
        .collect()
}

fn found(folder: &Path, words: &[&str]) -> Vec<(String, bool)> {
    found_beside(folder, words, &[])
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir_all(path.join("b/deep")).unwrap();
    fs::create_dir(path.join(".hidden")).unwrap();
    for file in ["c.mp4", "a", "b/z.txt", "b/deep/x.mkv", ".hidden/y", "b/.DS_Store"] {
        fs::write(path.join(file), "").unwrap();
    }
    folder
}

fn usable(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|&name| (name.into(), true)).collect()
}

#[test]
fn all_files_of_a_folder_are_meant() {
    let folder = folder();
    let all = usable(&["a", "b/deep/x.mkv", "b/z.txt", "c.mp4"]);
    assert_eq!(found(folder.path(), &["DIR"]), all);
    assert_eq!(found(folder.path(), &["DIR/c.mp4", "DIR/b"])[0], all[3]);
    assert_eq!(found(folder.path(), &["DIR/.hidden"]), usable(&[".hidden/y"]), "if it is named");
}

#[test]
fn patterns_mean_what_matches() {
    let folder = folder();
    let two = usable(&["b/deep/x.mkv", "c.mp4"]);
    assert_eq!(found(folder.path(), &["DIR/**/*.m[kp][v4]"]), two);
    assert_eq!(found(folder.path(), &["DIR/b*"]), usable(&["b/deep/x.mkv", "b/z.txt"]));
    assert_eq!(found(folder.path(), &["DIR/*.avi"]), [("*.avi".into(), false)]);
}

#[test]
fn a_pattern_means_each_file_once_and_none_that_is_hidden() {
    let folder = folder();
    let mut all = found(folder.path(), &["DIR"]);
    all.sort();
    for pattern in ["DIR/**/*", "DIR/**", "DIR/*"] {
        let mut got = found(folder.path(), &[pattern]);
        got.sort();
        assert_eq!(got, all, "{pattern}");
    }
}

#[test]
fn what_a_run_writes_is_no_source_of_it() {
    let folder = folder();
    let want = usable(&["a", "c.mp4"]);
    for words in [["DIR"], ["DIR/**"], ["DIR/*"]] {
        let mut got = found_beside(folder.path(), &words, &["b", "new.jsonl"]);
        got.sort();
        assert_eq!(got, want, "{words:?}");
    }
    assert_eq!(found_beside(folder.path(), &["DIR/b"], &["b"]), [("b".into(), false)]);
    let named = found_beside(folder.path(), &["DIR/b/z.txt"], &["b"]);
    assert_eq!(named, usable(&["b/z.txt"]), "what is named is meant");
}

#[test]
fn files_beside_results_can_be_chosen_by_their_names() {
    let folder = folder();
    let got = found_beside(folder.path(), &["DIR/*.mp4"], &["."]);
    assert_eq!(got, usable(&["c.mp4"]), "results go into the same folder");
    let got = found_beside(folder.path(), &["DIR/b/**/*"], &["b/deep"]);
    assert_eq!(got, usable(&["b/z.txt"]), "and into one below");
    symlink("b", folder.path().join("link")).unwrap();
    let got = found_beside(folder.path(), &["DIR"], &["b"]);
    assert_eq!(got, usable(&["a", "c.mp4"]), "however they are reached");
}

#[test]
fn a_pattern_means_folders_at_any_depth() {
    let folder = folder();
    assert_eq!(found(folder.path(), &["DIR/**/deep"]), usable(&["b/deep/x.mkv"]));
}

#[test]
fn lists_have_a_word_in_each_line() {
    let folder = folder();
    let (list, path) = (folder.path().join("list"), folder.path().display());
    fs::write(&list, format!("# clips\n{path}/a\n\n{path}/b\nrtsp://camera/1\n-\n")).unwrap();
    let mut want = usable(&["a", "b/deep/x.mkv", "b/z.txt", "rtsp://camera/1"]);
    want.push(("-".into(), false));
    assert_eq!(found(folder.path(), &["@DIR/list"]), want);
    assert_eq!(found(folder.path(), &["@DIR/none"]), [("none".into(), false)]);
}

#[test]
fn what_can_be_no_source_is_told_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    symlink(".", folder.path().join("loop")).unwrap();
    fs::write(folder.path().join("video"), "").unwrap();
    let got = found(folder.path(), &["DIR"]);
    let want = [("dangling", false), ("loop", false), ("video", true)];
    assert_eq!(got, want.map(|(name, usable)| (name.to_owned(), usable)));
    assert_eq!(found(folder.path(), &["DIR/none.mp4"]), usable(&["none.mp4"]));
}

#[test]
fn words_that_mean_nothing_are_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("list"), "# nothing\n").unwrap();
    assert_eq!(found(folder.path(), &["DIR/empty"]), [("empty".into(), false)]);
    assert_eq!(found(folder.path(), &["@DIR/list"]), [("list".into(), false)]);
}

#[test]
fn names_that_are_no_text_are_told_apart() {
    let key = |bytes: &[u8]| key(Path::new(OsStr::from_bytes(bytes)));
    assert_ne!(key(b"a\xff"), key(b"a\xfe"));
    assert_eq!(key(b"./a//b/./c"), "a/b/c");
    assert_eq!(key(b"/a"), "/a");
    assert_ne!(key(b"./-"), "-", "which is standard input");
}
