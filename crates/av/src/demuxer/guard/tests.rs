use super::*;

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    /// Creates `in/list.m3u8`, `in/sub/a.ts`, `out.ts`, and the link `in/link.ts` to `out.ts`.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("in/sub")).unwrap();
        for file in ["in/list.m3u8", "in/sub/a.ts", "out.ts"] {
            fs::write(dir.path().join(file), b"x").unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("out.ts"), dir.path().join("in/link.ts"))
            .unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn guard(&self, protocols: &Protocols) -> Guard {
        Guard::new(&self.path("in/list.m3u8"), protocols, None)
    }
}

#[track_caller]
fn check(guard: &Guard, target: &str, want: bool) {
    assert_eq!(guard.check(target).is_ok(), want, "{target}");
}

#[test]
fn a_local_input_opens_only_its_folder() {
    let folder = Folder::new();
    let guard = folder.guard(&Protocols::automatic());
    check(&guard, &folder.path("in/list.m3u8"), true);
    check(&guard, &folder.path("in/sub/a.ts"), true);
    check(&guard, &format!("file:{}", folder.path("in/sub/a.ts")), true);
    check(&guard, &format!("crypto:{}", folder.path("in/sub/a.ts")), true);
    check(&guard, &folder.path("in/missing.ts"), true);
    check(&guard, "data:text/plain,x", true);
    check(&guard, &folder.path("out.ts"), false);
    check(&guard, &folder.path("in/../out.ts"), false);
    check(&guard, &folder.path("missing.ts"), false);
    check(&guard, &folder.path("in/sub/../../missing.ts"), false);
    check(&guard, &folder.path("in/link.ts"), false);
    check(&guard, &format!("crypto+file:{}", folder.path("out.ts")), false);
    check(&guard, "/etc/passwd", false);
    check(&guard, "http://example.org/x", false);
    check(&guard, "crypto+http://example.org/x", false);
    check(&guard, &format!("subfile,,start,0,end,1,,:{}", folder.path("in/sub/a.ts")), false);
    check(&guard, "concat:/etc/passwd", false);
}

#[test]
fn named_protocols_widen_the_rules() {
    let folder = Folder::new();
    let guard = folder.guard(&Protocols::also(["https"]));
    check(&guard, "https://example.org/x", true);
    check(&guard, "rtmp://example.org/x", false);
    check(&guard, &folder.path("out.ts"), false);
    check(&folder.guard(&Protocols::also(["file"])), &folder.path("out.ts"), true);
}

#[test]
fn a_remote_input_opens_no_files() {
    let guard = Guard::new("https://example.org/a.m3u8", &Protocols::automatic(), None);
    check(&guard, "https://elsewhere.org/b.ts", true);
    check(&guard, "/etc/hostname", false);
    check(&guard, "file:///etc/hostname", false);
    check(&guard, "rtmp://elsewhere.org/b", false);
}

#[test]
fn the_first_refusal_is_kept_and_has_a_remedy() {
    let guard = Guard::new("https://example.org/a.m3u8", &Protocols::automatic(), None);
    assert!(!guard.permits("/etc/hostname") && !guard.permits("/etc/other"));
    let text = guard.refusal().unwrap().to_string();
    assert!(
        text.contains("'/etc/hostname'") && text.ends_with("allow it with allow_protocols file"),
        "{text}"
    );
}
