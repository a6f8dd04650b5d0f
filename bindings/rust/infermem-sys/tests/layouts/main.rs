//! The structs as they are declared here against the C headers, which a C compiler prints the layouts of.

use std::path::Path;
use std::process::Command;

use infermem_sys::{infermem_version, INFERMEM_VERSION_MAJOR, INFERMEM_VERSION_MINOR, INFERMEM_VERSION_PATCH};

fn size_of_target<T>(_: *const T) -> usize {
    std::mem::size_of::<T>()
}

/// Lines as tests/abi/layouts.c prints them: "struct size", "struct.field offset size".
macro_rules! place {
    ($out:ident, $name:ident, $($field:ident),*) => {
        $out.push(format!("{} {}", stringify!($name), std::mem::size_of::<$name>()));
        let made = std::mem::MaybeUninit::<$name>::uninit();
        let begin = made.as_ptr();
        $({
            // Within `made`; only the address is taken.
            let field = unsafe { std::ptr::addr_of!((*begin).$field) };
            let words = stringify!($field).trim_end_matches('_');
            let offset = field as usize - begin as usize;
            $out.push(format!("{}.{} {} {}", stringify!($name), words, offset, size_of_target(field)));
        })*
    };
}

#[rustfmt::skip]
mod fields;

#[test]
fn structs_lie_in_memory_as_in_c() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layouts");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled = Command::new(compiler)
        .arg("-I")
        .arg(root.join("include"))
        .arg(root.join("tests/abi/layouts.c"))
        .arg("-o")
        .arg(&program)
        .status()
        .expect("a C compiler runs");
    assert!(compiled.success());
    let printed = Command::new(&program).output().expect("what was compiled runs");
    let printed = String::from_utf8(printed.stdout).expect("names and numbers");
    let expected: Vec<&str> = printed.lines().collect();
    assert!(expected.len() > 300, "layouts.c prints only {} lines", expected.len());
    assert_eq!(fields::places(), expected);
}

#[test]
fn the_library_is_of_the_release_that_is_declared() {
    // A constant of the library's.
    let number = unsafe { infermem_version() };
    assert_eq!(number >> 16, INFERMEM_VERSION_MAJOR);
    assert!(number & 0xffff >= INFERMEM_VERSION_MINOR << 8 | INFERMEM_VERSION_PATCH);
}
