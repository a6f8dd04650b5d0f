//! The crate against the one list of public functions, and its codes against the declarations.

use infermem::Code;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Functions that nothing here calls, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("infermem_api", "a table of the functions, for programs that load the library with dlopen"),
    ("infermem_error_clear", "an error is a value of its own, and the thread's record is not looked at otherwise"),
];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What follows `sys::` in the sources.
fn used() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in fs::read_dir(here().join("src")).unwrap() {
        let source = text(file.unwrap().path());
        let code: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for place in code.split("sys::").skip(1) {
            found.insert(place.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
        // handle! is given the name of what frees the handle.
        let names = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        found.extend(names.filter(|name| name.ends_with("_free")).map(str::to_owned));
    }
    found
}

#[test]
fn every_public_function_is_used_or_left_out_for_a_reason() {
    let used = used();
    let list = text(here().join("../../../src/abi/symbols.txt"));
    let names: Vec<&str> =
        list.lines().filter_map(|line| line.split('#').next().unwrap().split_whitespace().next()).collect();
    assert!(names.len() > 180, "only {} functions in the list", names.len());
    for name in &names {
        let is_left_out = LEFT_OUT.iter().any(|(other, _)| other == name);
        assert_ne!(used.contains(*name), is_left_out, "{name} is used: {}", used.contains(*name));
    }
    for (name, why) in LEFT_OUT {
        assert!(names.contains(name) && !why.is_empty(), "{name} is no public function");
    }
}

#[test]
fn every_code_has_a_variant() {
    let declared = text(here().join("../infermem-sys/src/bindings.rs"));
    let codes: Vec<(&str, i32)> = declared
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": i32 = "))
        .filter(|(name, _)| name.starts_with("INFERMEM_E_"))
        .map(|(name, number)| (name, number.trim_end_matches(';').parse().unwrap()))
        .collect();
    assert_eq!(codes.len(), Code::ALL.len());
    for (name, number) in codes {
        let code = Code::from_number(number);
        assert!(Code::ALL.contains(&code), "{name} is {code:?}");
        assert_eq!((code.number(), code.name()), (number, name));
        assert_ne!(code.text(), Code::Other(1).text());
    }
    assert_eq!(Code::from_number(-1000), Code::Other(-1000));
    assert_eq!(Code::Other(-1000).name(), "unknown");
}
