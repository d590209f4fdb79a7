//! Notes the compiler and profile of this build, so that a measurement can say what it measured.

use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| String::from("rustc"));
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| String::from("unknown"), |text| text.trim().to_owned());
    let profile = std::env::var("PROFILE").unwrap_or_else(|_| String::from("unknown"));
    let optimisation = std::env::var("OPT_LEVEL").unwrap_or_else(|_| String::from("?"));
    let target = std::env::var("TARGET").unwrap_or_else(|_| String::from("unknown"));
    println!("cargo::rustc-env=TAPEWATCH_RUSTC={version}");
    println!("cargo::rustc-env=TAPEWATCH_PROFILE={profile}, opt-level {optimisation}, {target}");
    println!("cargo::rerun-if-changed=build.rs");
}
