//! What memory there is, and what this process takes of it. Linux alone tells.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is assumed of a machine that doesn't tell, in bytes.
const USUAL: u64 = 8 << 30;

/// Where control groups show their limits: the second version's, the first's.
const GROUPS: [(&str, &str); 2] =
    [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];

/// Bytes of memory that this process may use: the machine's, or what its control group allows.
pub fn memory() -> u64 {
    let machine = field(Path::new("/proc/meminfo"), "MemTotal:").unwrap_or(USUAL);
    group_limits().chain([machine]).min().unwrap_or(machine)
}

/// Bytes of this process that are in memory, mapped files included; `None` where that can't be known.
pub fn resident() -> Option<u64> {
    field(Path::new("/proc/self/status"), "VmRSS:")
}

/// The most bytes of this process that were in memory at once; `None` where that can't be known.
pub fn peak_resident() -> Option<u64> {
    field(Path::new("/proc/self/status"), "VmHWM:")
}

/// As [`resident`], of the process with that number; `None` if there is none any more.
pub fn resident_of(process: u32) -> Option<u64> {
    field(Path::new(&format!("/proc/{process}/status")), "VmRSS:")
}

/// A line of a table of the kernel, such as `VmRSS:  2048 kB`, in bytes.
fn field(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The limits of this process's group and of those around it.
fn group_limits() -> impl Iterator<Item = u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let paths: Vec<_> = groups.lines().filter_map(memory_group).map(PathBuf::from).collect();
    paths.into_iter().flat_map(|path| {
        let around: Vec<_> = path.ancestors().map(Path::to_owned).collect();
        let files = GROUPS.into_iter().flat_map(move |(root, file)| {
            around.clone().into_iter().map(move |group| {
                let group = group.strip_prefix("/").unwrap_or(&group).to_owned();
                Path::new(root).join(group).join(file)
            })
        });
        // `max`, or a file that isn't there, is no limit.
        files.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
    })
}

/// The group of a line such as `0::/user.slice` or `4:memory:/docker/1`, if it limits memory.
fn memory_group(line: &str) -> Option<&str> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let limits = controllers.is_empty() || controllers.split(',').any(|name| name == "memory");
    limits.then_some(path)
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

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_takes_less_than_there_is() {
        let resident = resident().unwrap();
        assert!(resident > 1 << 20 && resident < memory(), "{resident} of {}", memory());
        assert!(resident_of(std::process::id()).unwrap() > 1 << 20);
        assert_eq!(resident_of(u32::MAX), None);
    }
}
