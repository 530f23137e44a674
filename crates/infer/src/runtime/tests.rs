//! Tests of the search without a usable library. None of them loads ONNX Runtime.

use std::fs;

use super::*;

fn empty_environment() -> SearchEnvironment {
    SearchEnvironment {
        program: Some("/nowhere/bin/program".into()),
        ..SearchEnvironment::default()
    }
}

#[test]
fn a_named_file_must_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libonnxruntime.so");
    let named = SearchEnvironment { dylib: Some(file.clone().into()), ..empty_environment() };
    let missing = find(&named).unwrap_err().to_string();
    assert!(missing.contains("libonnxruntime.so can't be used as ONNX Runtime"), "{missing}");
    assert!(missing.contains("No such file"), "{missing}");
    fs::write(&file, "no library").unwrap();
    let text = find(&named).unwrap_err().to_string();
    assert!(text.contains("can't be used as ONNX Runtime"), "{text}");
    let itself = SearchEnvironment { dylib: Some(folder.path().into()), ..empty_environment() };
    assert!(find(&itself).unwrap_err().to_string().contains("this is a folder"));
}

#[test]
fn a_named_folder_must_hold_a_library() {
    let folder = tempfile::tempdir().unwrap();
    let named = SearchEnvironment { folder: Some(folder.path().into()), ..empty_environment() };
    let text = find(&named).unwrap_err().to_string();
    assert!(text.ends_with("no libonnxruntime"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn another_library_is_not_onnx_runtime() {
    // The C library is loaded already, so no other code runs.
    let named = SearchEnvironment {
        dylib: Some("/lib/x86_64-linux-gnu/libc.so.6".into()),
        ..empty_environment()
    };
    let text = find(&named).unwrap_err().to_string();
    let absent = !Path::new("/lib/x86_64-linux-gnu/libc.so.6").exists();
    assert!(absent || text.ends_with("this library is not ONNX Runtime"), "{text}");
}

#[test]
fn the_message_lists_every_place_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("libonnxruntime.so.1.24.1"), "no library").unwrap();
    let environment = SearchEnvironment {
        system: vec![folder.path().into(), "/nowhere/lib".into()],
        ..empty_environment()
    };
    match find(&environment) {
        Err(Error::RuntimeMissing { looked }) => {
            let text = Error::RuntimeMissing { looked: looked.clone() }.to_string();
            for part in ["next to the program (/nowhere/bin): no such folder", "/nowhere/lib"] {
                assert!(text.contains(part), "{text}");
            }
            assert!(text.contains("ORT_DYLIB_PATH") && text.contains("pip install onnxruntime"));
            let broken = looked.iter().find(|l| l.at.contains(folder.path().to_str().unwrap()));
            assert!(broken.is_some_and(|l| !l.found.contains("no libonnxruntime")), "{looked:?}");
        }
        // The dynamic linker of this machine finds one.
        Ok(runtime) => assert!(runtime.place().starts_with("the dynamic linker")),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn versions_come_from_the_build_or_the_file_name() {
    let info = |branch: &str| format!("ORT Build Info: git-branch={branch}, git-commit-id=b5, x");
    assert_eq!(version_of(&info("rel-1.24.1"), Path::new("a.so")), "1.24.1");
    assert_eq!(version_of(&info("HEAD"), Path::new("libonnxruntime.so.1.31.1")), "1.31.1");
    assert_eq!(version_of(&info("HEAD"), Path::new("libonnxruntime.1.31.1.dylib")), "1.31.1");
    assert_eq!(version_of(&info("main"), Path::new("libonnxruntime.so")), "main");
    assert_eq!(version_of("", Path::new("libonnxruntime.so")), "of unknown version");
}
