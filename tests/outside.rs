//! A crate outside of the workspace builds and runs against the facade alone, as the README says.

use std::process::Command;

use moviola_tests::clips;

#[test]
fn a_crate_of_a_user_builds_and_runs() {
    let manifest = clips::root().join("tests/outside/Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(clips::root().join("target"))
        .arg("--")
        .arg(clips::testdata())
        .output()
        .expect("cargo runs");
    let (out, said) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(out).contains("8000 samples"), "{said}");
}

#[test]
fn the_readme_shows_what_that_crate_does() {
    let readme = std::fs::read_to_string(clips::root().join("README.md")).expect("the README");
    let shown = readme.split("```rust,no_run").nth(1).and_then(|rest| rest.split("```").next());
    let used = clips::root().join("tests/outside/src/main.rs");
    let used = std::fs::read_to_string(used).expect("the crate");
    for line in shown.expect("an example").lines().filter(|line| line.contains("::open(")) {
        let call = line.split("::open(").next().unwrap_or(line).split_whitespace().last();
        let call = call.unwrap_or_default();
        assert!(used.contains(call), "the README shows {call}, which no crate outside uses");
    }
}
