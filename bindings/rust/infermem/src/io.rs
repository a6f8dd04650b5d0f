//! Readers and writers of the caller's, as the functions that the library calls. A panic in one ends the library's call
//! as a failure, and goes on when that has returned.

use crate::error::{check, Result};
use std::any::Any;
use std::ffi::c_void;
use std::io::{ErrorKind, Read, Write};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

/// What the library's context points to.
pub(crate) struct Callback<T> {
    inner: T,
    error: Option<std::io::Error>,
    panic: Option<Box<dyn Any + Send>>,
}

impl<T> Callback<T> {
    /// Makes a call that may call back.
    pub(crate) fn during(inner: T, call: impl FnOnce(*mut c_void) -> i32) -> Result<()> {
        let mut callback = Self { inner, error: None, panic: None };
        let status = call(std::ptr::addr_of_mut!(callback).cast());
        if let Some(panic) = callback.panic {
            resume_unwind(panic);
        }
        check(status).map_err(|error| error.with_source(callback.error))
    }

    /// What to return to the library: the number, or what stands for an error.
    fn run(&mut self, mut call: impl FnMut(&mut T) -> std::io::Result<usize>) -> i64 {
        // After a panic the object is not used again: the library's call ends.
        let result = catch_unwind(AssertUnwindSafe(|| loop {
            match call(&mut self.inner) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }));
        match result {
            Ok(Ok(n)) => n as i64,
            Ok(Err(error)) => {
                let number = error.raw_os_error().unwrap_or(5); // EIO
                self.error = Some(error);
                -i64::from(number.max(1))
            }
            Err(panic) => {
                self.panic = Some(panic);
                -5
            }
        }
    }
}

/// # Safety
///
/// The context is from `during`, of a `W`; the bytes are there.
pub(crate) unsafe extern "C" fn write<W: Write>(context: *mut c_void, bytes: *const c_void, n: usize) -> i64 {
    let (callback, bytes) =
        unsafe { (&mut *context.cast::<Callback<W>>(), std::slice::from_raw_parts(bytes.cast::<u8>(), n)) };
    callback.run(|writer| writer.write(bytes))
}

/// # Safety
///
/// The context is from `during`, of an `R`; there is room for n bytes.
pub(crate) unsafe extern "C" fn read<R: Read>(context: *mut c_void, out: *mut c_void, n: usize) -> i64 {
    let (callback, out) =
        unsafe { (&mut *context.cast::<Callback<R>>(), std::slice::from_raw_parts_mut(out.cast::<u8>(), n)) };
    callback.run(|reader| reader.read(out))
}

/// # Safety
///
/// As `read`; the context is of an `F`.
pub(crate) unsafe extern "C" fn read_at<F>(context: *mut c_void, offset: u64, out: *mut c_void, n: usize) -> i64
where
    F: FnMut(u64, &mut [u8]) -> std::io::Result<usize>,
{
    let (callback, out) =
        unsafe { (&mut *context.cast::<Callback<F>>(), std::slice::from_raw_parts_mut(out.cast::<u8>(), n)) };
    callback.run(|function| function(offset, out))
}
