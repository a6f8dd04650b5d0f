//! Finds the library: with the feature `vendored` by building it, else where INFERMEM_LIB_DIR says, else by pkg-config.
//!
//! Where there is no library, what needs none still works, such as `cargo check` and `cargo doc`; what links says that it
//! is missing.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The releases that have all that is declared here, and keep its meaning.
const AT_LEAST: &str = "0.1.0";
const BELOW: &str = "1";

fn main() {
    for name in
        ["INFERMEM_LIB_DIR", "INFERMEM_SOURCE_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "DOCS_RS"]
    {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("DOCS_RS").is_some() {
        return;
    }
    if env::var_os("CARGO_FEATURE_VENDORED").is_some() {
        return build();
    }
    if let Some(folder) = env::var_os("INFERMEM_LIB_DIR") {
        println!("cargo:rustc-link-search=native={}", Path::new(&folder).display());
    } else if let Err(why) = pkg_config() {
        println!("cargo:warning=infermem was not found, what links will fail: {why}");
    }
    println!("cargo:rustc-link-lib=dylib=infermem");
}

/// Asks pkg-config for a library of the right releases. One of another release is an error that ends the build: it
/// would link, and then do something else than what is declared.
fn pkg_config() -> Result<(), String> {
    let program = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let run = |arguments: &[&str]| {
        let out = Command::new(&program).args(arguments).output();
        let out = out.map_err(|why| format!("{} cannot be run: {why}", program.to_string_lossy()))?;
        if out.status.success() {
            Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&out.stderr).trim().replace('\n', " "))
        }
    };
    let version = run(&["--modversion", "infermem"])?;
    let range = [format!("infermem >= {AT_LEAST}"), format!("infermem < {BELOW}")];
    if run(&["--exists", &range[0], &range[1]]).is_err() {
        panic!("infermem {version} is installed; this crate needs {AT_LEAST} or later, below {BELOW}");
    }
    for word in run(&["--libs-only-L", "--keep-system-libs", "infermem"])?.split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        }
    }
    let include = run(&["--variable=includedir", "infermem"])?;
    println!("cargo:include={include}");
    Ok(())
}

/// The sources of the library: a folder that the caller names, those packed into this crate, or those of the tree that
/// this crate lies in.
fn sources() -> PathBuf {
    if let Some(folder) = env::var_os("INFERMEM_SOURCE_DIR") {
        return folder.into();
    }
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let packed = here.join("vendor");
    if packed.join("CMakeLists.txt").exists() {
        packed
    } else {
        here.join("../../..")
    }
}

/// Builds the static library, and links it with what it needs of the system.
fn build() {
    let sources = sources();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("build");
    for path in ["CMakeLists.txt", "include", "src"] {
        println!("cargo:rerun-if-changed={}", sources.join(path).display());
    }
    let cmake = |arguments: &mut Command| {
        let status = arguments.status().unwrap_or_else(|why| panic!("cmake cannot be run: {why}"));
        assert!(status.success(), "cmake failed: {arguments:?}");
    };
    cmake(Command::new("cmake").arg("-S").arg(&sources).arg("-B").arg(&out).args([
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
        "-DCMAKE_POSITION_INDEPENDENT_CODE=ON",
        "-DINFERMEM_BUILD_TESTS=OFF",
        "-DINFERMEM_BUILD_TOOL=OFF",
    ]));
    let jobs = env::var("NUM_JOBS").unwrap_or_else(|_| "1".into());
    cmake(Command::new("cmake").arg("--build").arg(&out).args(["--target", "infermem_static", "-j", &jobs]));
    println!("cargo:rustc-link-search=native={}", out.join("src").display());
    println!("cargo:rustc-link-lib=static=infermem");
    println!("cargo:rustc-link-lib=dylib=m");
    println!("cargo:rustc-link-lib=dylib=dl");
    println!("cargo:include={}", sources.join("include").display());
}
