//! The control groups that limit this process's memory, of both versions of the kernel's interface.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of a version of the interface.
struct Version {
    /// Where its groups are, below the root of the file system.
    folder: &'static str,
    limit: &'static str,
    used: &'static str,
    /// The lines of `memory.stat` with the bytes of reclaimable cache, nested groups included.
    cached: &'static [&'static str],
}

const VERSIONS: [Version; 2] = [
    Version {
        folder: "sys/fs/cgroup",
        limit: "memory.max",
        used: "memory.current",
        cached: &["inactive_file", "active_file", "slab_reclaimable"],
    },
    Version {
        folder: "sys/fs/cgroup/memory",
        limit: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes",
        cached: &["total_inactive_file", "total_active_file"],
    },
];

/// A control group that limits memory.
pub(super) struct ControlGroup {
    folder: PathBuf,
    version: &'static Version,
    /// Bytes that its processes may use together; more than 0.
    pub(super) limit: u64,
}

impl ControlGroup {
    /// The group in `folder`; `None` if it has no limit in that version's files.
    fn read(folder: PathBuf, version: &'static Version) -> Option<Self> {
        // `max` and a missing file mean no limit.
        let limit = number(&folder.join(version.limit)).filter(|&limit| limit > 0)?;
        Some(Self { folder, version, limit })
    }

    /// Bytes that its processes use, without cache; `None` if the kernel doesn't report it.
    pub(super) fn used(&self) -> Option<u64> {
        let used = number(&self.folder.join(self.version.used))?;
        let table = fs::read_to_string(self.folder.join("memory.stat")).unwrap_or_default();
        let lines = table.lines().filter_map(|line| line.split_once(' '));
        let cached = lines.filter(|(name, _)| self.version.cached.contains(name));
        let cached: u64 = cached.filter_map(|(_, bytes)| bytes.trim().parse::<u64>().ok()).sum();
        Some(used.saturating_sub(cached))
    }
}

/// This process's group and its parents, those that limit memory. `root` is the root of the file
/// system.
pub(super) fn control_groups(root: &Path) -> Vec<ControlGroup> {
    let table = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let paths = table.lines().filter_map(memory_group).map(Path::new);
    let nested = paths.flat_map(Path::ancestors);
    let groups = nested.flat_map(|group| {
        let group = group.strip_prefix("/").unwrap_or(group);
        VERSIONS.iter().filter_map(move |version| {
            ControlGroup::read(root.join(version.folder).join(group), version)
        })
    });
    groups.collect()
}

/// The group of a line such as `0::/user.slice` or `4:memory:/docker/1`, if it limits memory.
fn memory_group(line: &str) -> Option<&str> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let limits = controllers.is_empty() || controllers.split(',').any(|name| name == "memory");
    limits.then_some(path)
}

/// The number that a file holds.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_limit_memory_are_found() {
        assert_eq!(memory_group("0::/user.slice/a:b"), Some("/user.slice/a:b"));
        assert_eq!(memory_group("4:cpu,memory:/docker/1"), Some("/docker/1"));
        assert_eq!(memory_group("3:cpu:/docker/1"), None);
        assert_eq!(memory_group(""), None);
    }
}
