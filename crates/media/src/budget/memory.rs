//! The machine's memory and the processes' use of it. Known on Linux only.

use std::{fs, path::Path};

use super::control_group::control_groups;

/// The memory in bytes that is assumed if it can't be read.
const USUAL: u64 = 8 << 30;

/// Memory that all processes of a machine or of a control group use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryInUse {
    /// Bytes in use, without caches that the kernel frees on demand.
    pub used: u64,
    /// Bytes of the machine's memory, or the control group's limit.
    pub total: u64,
    /// Whether this is a control group's memory, not the machine's.
    pub is_group: bool,
}

impl MemoryInUse {
    /// The share in use, from 0.0 to 1.0.
    pub fn share(&self) -> f64 {
        self.used as f64 / self.total as f64
    }
}

/// Bytes of memory that this process may use: the machine's memory or its control group's limit.
pub fn memory() -> u64 {
    let root = Path::new("/");
    let machine = field(&root.join("proc/meminfo"), "MemTotal:").unwrap_or(USUAL);
    control_groups(root).iter().map(|group| group.limit).chain([machine]).min().unwrap_or(machine)
}

/// Memory in use where the largest share is: on the machine, in this process's control group, or in
/// one of its parents; `None` if that can't be read.
///
/// Reads a few small files of the kernel.
pub fn memory_in_use() -> Option<MemoryInUse> {
    memory_in_use_below(Path::new("/"))
}

/// As [`memory_in_use`], with the kernel's files below `root`.
fn memory_in_use_below(root: &Path) -> Option<MemoryInUse> {
    let groups = control_groups(root).into_iter().filter_map(|group| {
        Some(MemoryInUse { used: group.used()?, total: group.limit, is_group: true })
    });
    // `max_by` prefers the last of equal shares: a group's.
    machine(root).into_iter().chain(groups).max_by(|a, b| a.share().total_cmp(&b.share()))
}

/// The machine's memory in use: all but what programs can still get without swapping.
fn machine(root: &Path) -> Option<MemoryInUse> {
    let path = root.join("proc/meminfo");
    let total = field(&path, "MemTotal:").filter(|&total| total > 0)?;
    let used = total.saturating_sub(field(&path, "MemAvailable:")?);
    Some(MemoryInUse { used, total, is_group: false })
}

/// Bytes of this process that are in memory, with mapped files; `None` if that can't be read.
pub fn resident() -> Option<u64> {
    field(Path::new("/proc/self/status"), "VmRSS:")
}

/// The most bytes of this process that were in memory at once; `None` if that can't be read.
pub fn peak_resident() -> Option<u64> {
    field(Path::new("/proc/self/status"), "VmHWM:")
}

/// Bytes of another process that are in memory; `None` if there is no process of that number.
pub fn resident_of(process: u32) -> Option<u64> {
    field(Path::new(&format!("/proc/{process}/status")), "VmRSS:")
}

/// The value in bytes of a line such as `VmRSS:  2048 kB` in a file of the kernel.
fn field(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable:  600 kB\n";

    /// The memory in use where the kernel's files have these contents.
    fn in_use(files: &[(&str, &str)]) -> Option<MemoryInUse> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        memory_in_use_below(root.path())
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], used: u64, total: u64, is_group: bool) {
        assert_eq!(in_use(files), Some(MemoryInUse { used, total, is_group }));
    }

    #[test]
    fn available_memory_is_not_in_use() {
        check(&[("proc/meminfo", MEMINFO)], 400 << 10, 1000 << 10, false);
        assert_eq!(in_use(&[("proc/meminfo", "MemTotal:  1000 kB\n")]), None);
        assert_eq!(in_use(&[]), None);
    }

    #[test]
    fn a_group_of_version_2_that_is_fuller_than_the_machine_counts() {
        let mut files = vec![
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/app.slice/job\n"),
            ("sys/fs/cgroup/app.slice/job/memory.max", "200000\n"),
            ("sys/fs/cgroup/app.slice/job/memory.current", "190000\n"),
        ];
        check(&files, 190_000, 200_000, true);
        let cached = "anon 80000\ninactive_file 70000\nactive_file 30000\nslab_reclaimable 10000\n";
        files.push(("sys/fs/cgroup/app.slice/job/memory.stat", cached));
        check(&files, 80_000, 200_000, true);
        files[2].1 = "max\n";
        check(&files, 400 << 10, 1000 << 10, false);
    }

    #[test]
    fn of_nested_groups_the_fullest_counts() {
        let mut files = vec![
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/memory.max", "500000\n"),
            ("sys/fs/cgroup/outer/memory.current", "450000\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "100000\n"),
            ("sys/fs/cgroup/outer/inner/memory.current", "70000\n"),
        ];
        check(&files, 450_000, 500_000, true);
        files[5].1 = "99000\n";
        check(&files, 99_000, 100_000, true);
    }

    #[test]
    fn a_group_of_version_1_counts_with_all_groups_in_it() {
        let folder = "sys/fs/cgroup/memory/docker/1";
        let files = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "5:cpu:/docker/1\n4:memory:/docker/1\n"),
            (&format!("{folder}/memory.limit_in_bytes"), "300000\n"),
            (&format!("{folder}/memory.usage_in_bytes"), "290000\n"),
            (&format!("{folder}/memory.stat"), "inactive_file 1\ntotal_inactive_file 20000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "900000\n"),
        ];
        check(&files, 270_000, 300_000, true);
    }

    #[test]
    fn in_a_container_the_group_may_be_the_root_of_what_is_seen() {
        let files = [
            ("proc/self/cgroup", "0::/not/seen/from/here\n"),
            ("sys/fs/cgroup/memory.max", "1000\n"),
            ("sys/fs/cgroup/memory.current", "900\n"),
        ];
        check(&files, 900, 1000, true);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_takes_less_than_there_is() {
        let resident = resident().unwrap();
        assert!(resident > 1 << 20 && resident < memory(), "{resident} of {}", memory());
        assert!(resident_of(std::process::id()).unwrap() > 1 << 20);
        assert_eq!(resident_of(u32::MAX), None);
        let all = memory_in_use().unwrap();
        assert!(all.used > 1 << 20 && all.used < all.total, "{all:?}");
    }
}
