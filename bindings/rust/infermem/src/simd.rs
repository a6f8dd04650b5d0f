//! Which instruction set the kernels use.

use crate::error::{check, fixed, name as c_name, Result};
use crate::sys;

/// The instruction set in use: "reference", "sse4", "avx2", "avx512" or "neon".
pub fn name() -> &'static str {
    // Static.
    unsafe { fixed(sys::infermem_simd_name()) }
}

/// Those that this build has and this processor can run, from the plainest to the fastest.
pub fn available() -> impl Iterator<Item = &'static str> {
    // Static, or NULL beyond the last.
    (0..)
        .map(|i| unsafe { sys::infermem_simd_available(i) })
        .take_while(|text| !text.is_null())
        .map(|text| unsafe { fixed(text) })
}

/// Uses another one from here on, in the whole process; None chooses the fastest.
pub fn select(name: Option<&str>) -> Result<()> {
    let name = name.map(|name| c_name("infermem_simd_select", name.as_bytes())).transpose()?;
    // NUL-terminated, or NULL.
    check(unsafe { sys::infermem_simd_select(name.as_ref().map_or(std::ptr::null(), |name| name.as_ptr())) })
}
