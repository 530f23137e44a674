//! A crate outside of the workspace builds and runs against the facade alone.

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
