//! The functions' programs: where they are, how large, and whether this machine runs them.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::bail;

/// The function that does nothing, of `callboard-runtime`.
pub(crate) const EMPTY: &str = "empty";

/// One program.
#[derive(Debug)]
pub(crate) struct Binary {
    /// The function's crate.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub mib: f64,
}

/// The programs of these functions and the one that does nothing, in a folder as `make lambda` leaves it.
///
/// # Errors
/// One is missing, or not for this machine: which, and what to do.
pub(crate) fn all<'a>(folder: &Path, names: impl Iterator<Item = &'a str>) -> anyhow::Result<Vec<Binary>> {
    let build = "build them with: make lambda LAMBDA=--release";
    let mut binaries = Vec::new();
    let mut missing = Vec::new();
    for name in std::iter::once(EMPTY).chain(names) {
        let path = folder.join(name).join("bootstrap");
        match File::open(&path) {
            Ok(file) => {
                let machine = machine(&file);
                if machine != Some(std::env::consts::ARCH) {
                    let found = machine.unwrap_or("something else");
                    bail!("{} is for {found}, this machine is {}: {build}", path.display(), std::env::consts::ARCH);
                }
                let mib = file.metadata()?.len() as f64 / f64::from(1 << 20);
                binaries.push(Binary { name: name.to_owned(), path, mib });
            }
            Err(_) => missing.push(name),
        }
    }
    if !missing.is_empty() {
        bail!("there is no program in {} of {}: {build}", folder.display(), missing.join(", "));
    }
    Ok(binaries)
}

/// What machine an ELF file is for, by the name that Rust has for it. <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
fn machine(mut file: impl std::io::Read) -> Option<&'static str> {
    let mut header = [0; 20];
    file.read_exact(&mut header).ok()?;
    match (&header[..4], &header[18..20]) {
        (b"\x7fELF", [0x3e, 0]) => Some("x86_64"),
        (b"\x7fELF", [0xb7, 0]) => Some("aarch64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u8) -> Vec<u8> {
        let mut header = vec![0; 64];
        header[..4].copy_from_slice(b"\x7fELF");
        header[18] = machine;
        header
    }

    #[test]
    fn programs_of_another_machine_are_told_apart() {
        for (bytes, expected) in [
            (elf(0x3e), Some("x86_64")),
            (elf(0xb7), Some("aarch64")),
            (elf(0x28), None),
            (b"#!/bin/sh\necho no program".to_vec(), None),
            (vec![], None),
        ] {
            assert_eq!(machine(bytes.as_slice()), expected);
        }
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        fn check(files: &[(&str, u8)], expected: &[&str]) {
            let folder = tempfile::tempdir().unwrap();
            for (name, machine) in files {
                std::fs::create_dir(folder.path().join(name)).unwrap();
                std::fs::write(folder.path().join(name).join("bootstrap"), elf(*machine)).unwrap();
            }
            let found = all(folder.path(), ["ingest", "push"].into_iter());
            match found {
                Ok(found) => assert!(expected.is_empty() && found.len() == files.len()),
                Err(error) => {
                    let told = error.to_string();
                    let all_told = expected.iter().all(|part| told.contains(part));
                    assert!(
                        !expected.is_empty() && all_told && told.ends_with("make lambda LAMBDA=--release"),
                        "{told}"
                    );
                }
            }
        }
        let (own, other) = if std::env::consts::ARCH == "x86_64" { (0x3e, 0xb7) } else { (0xb7, 0x3e) };
        check(&[("empty", own), ("ingest", own), ("push", own)], &[]);
        check(&[("ingest", own)], &["of empty, push"]);
        check(&[("empty", own), ("ingest", other), ("push", own)], &["ingest/bootstrap is for "]);
    }
}
