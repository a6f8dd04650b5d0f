//! What the library logs.

use crate::error::{check, Result};
use crate::sys;
use std::cell::Cell;
use std::ffi::{c_void, CStr};
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};

choices! {
    /// How much a log line matters.
    LogLevel: i32 {
        /// For those who look into the library.
        Debug = INFERMEM_LOG_DEBUG,
        /// What it does.
        Info = INFERMEM_LOG_INFO,
        /// What may be wrong.
        Warn = INFERMEM_LOG_WARN,
    }
}

/// Has the library's log lines of at least a level given to a function, in the whole process; None turns logging off,
/// which is how it starts. The function may be called in any thread that calls the library. What it makes the library log
/// itself is dropped; where it panics, that is swallowed.
pub fn set_log(function: Option<fn(LogLevel, &str)>, at_least: LogLevel) -> Result<()> {
    // The context is the function, which lives for ever.
    check(unsafe {
        match function {
            Some(function) => sys::infermem_log_set(Some(forward), function as *mut c_void, at_least.number()),
            None => sys::infermem_log_set(None, std::ptr::null_mut(), at_least.number()),
        }
    })
}

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

unsafe extern "C" fn forward(context: *mut c_void, level: i32, message: *const c_char) {
    // The context is from set_log; the message is valid during the call.
    let (function, message) = unsafe {
        (std::mem::transmute::<*mut c_void, fn(LogLevel, &str)>(context), CStr::from_ptr(message).to_string_lossy())
    };
    // No access where the thread is ending.
    let _ = WITHIN.try_with(|within| {
        if !within.replace(true) {
            let _ = catch_unwind(AssertUnwindSafe(|| function(LogLevel::from_number(level), &message)));
            within.set(false);
        }
    });
}
