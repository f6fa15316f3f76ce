//! The program under test. Building these tests does not build it, so it is built here, once a run, in the same profile
//! and with the same features of what it is made of; where it is up to date that takes a moment.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

use crate::project;

/// Where `callboard` is.
pub fn callboard() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells a test of its package makes build scripts, and all behind them, run anew: they ask for it.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_package(name)) {
        cargo.env_remove(name);
    }
    let output = cargo
        // With a test beside it, what both are made of has the features that tests ask for, and is there already.
        .args(["build", "--workspace", "--bin", "callboard", "--test", "end_to_end", "--message-format", "json"])
        .args(["--profile", &profile()])
        .current_dir(project())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "callboard could not be built; what cargo said stands above");
    let messages = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let executable = |message: Value| {
        let is_bin = message["target"]["kind"][0] == "bin";
        message["executable"].as_str().filter(|_| is_bin).map(PathBuf::from)
    };
    messages.filter_map(executable).next_back().expect("cargo names what it built")
}

fn is_of_a_package(name: &OsStr) -> bool {
    let name = name.to_str().unwrap_or_default();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The profile that this very test was built in, by the folder it is run from.
fn profile() -> String {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).and_then(Path::file_name).unwrap().to_str().unwrap().to_owned();
    if folder == "debug" { "dev".to_owned() } else { folder }
}
