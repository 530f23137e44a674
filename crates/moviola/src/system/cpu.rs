//! The vector units of this CPU.

/// The vector units of this CPU that matter here, by their usual names.
#[cfg(target_arch = "x86_64")]
pub fn features() -> Vec<&'static str> {
    let all = [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512_vnni", std::is_x86_feature_detected!("avx512vnni")),
        ("avx512_bf16", std::is_x86_feature_detected!("avx512bf16")),
    ];
    all.into_iter().filter(|(_, here)| *here).map(|(name, _)| name).collect()
}

/// The vector units of this CPU that matter here, by their usual names.
#[cfg(target_arch = "aarch64")]
pub fn features() -> Vec<&'static str> {
    vec!["neon"] // every 64-bit ARM has it
}

/// The vector units of this CPU that matter here, by their usual names.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn features() -> Vec<&'static str> {
    Vec::new()
}
