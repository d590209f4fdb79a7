//! Notes the compiler, profile and commit of this build, so that a measurement can say what it
//! measured.

use std::process::Command;

/// What a figure depends on, from this package's folder.
const SOURCES: [&str; 11] = [
    "../../engine/src",
    "../../engine/Cargo.toml",
    "../../feed-handlers/src",
    "../../feed-handlers/Cargo.toml",
    "../exchange/src",
    "../exchange/Cargo.toml",
    "../../Cargo.toml",
    "../../Cargo.lock",
    "Cargo.toml",
    "src",
    "build.rs",
];

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| String::from("rustc"));
    let version = output(&rustc, &["--version"]).unwrap_or_else(|| String::from("unknown"));
    let profile = std::env::var("PROFILE").unwrap_or_else(|_| String::from("unknown"));
    let optimisation = std::env::var("OPT_LEVEL").unwrap_or_else(|_| String::from("?"));
    let target = std::env::var("TARGET").unwrap_or_else(|_| String::from("unknown"));
    println!("cargo::rustc-env=TAPEWATCH_RUSTC={version}");
    println!("cargo::rustc-env=TAPEWATCH_PROFILE={profile}, opt-level {optimisation}, {target}");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    note_commit();
}

/// The commit, where this folder is in a repository that holds this file; unknown otherwise.
fn note_commit() {
    let is_ours = output("git", &["ls-files", "--error-unmatch", "build.rs"]).is_some();
    let Some(commit) = output("git", &["rev-parse", "--short=12", "HEAD"]).filter(|_| is_ours)
    else {
        return;
    };
    println!("cargo::rustc-env=TAPEWATCH_COMMIT={commit}");
    let mut changes = vec!["status", "--porcelain", "--untracked-files=no", "--"];
    changes.extend(SOURCES);
    if output("git", &changes).is_some_and(|changes| !changes.is_empty()) {
        println!("cargo::rustc-env=TAPEWATCH_CHANGED=1");
    }
    // Each commit and checkout appends to it, also in a linked worktree.
    if let Some(log) = output("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}

/// What a program that ends well prints.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = output.status.success().then_some(output.stdout)?;
    Some(String::from_utf8(text).ok()?.trim().to_owned())
}
