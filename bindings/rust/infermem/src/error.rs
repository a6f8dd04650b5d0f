//! What goes wrong, and how a status of the library's becomes that.

use crate::sys;
use std::ffi::{CStr, CString};
use std::fmt;
use std::io;
use std::os::raw::c_char;
use std::path::Path;
use std::ptr::NonNull;

/// A result of this crate's.
pub type Result<T> = std::result::Result<T, Error>;

choices! {
    /// What kind of error it is; the library's status codes.
    Code: i32 {
        /// A pointer that must not be NULL is NULL.
        Null = INFERMEM_E_NULL,
        /// An argument has a value that the function does not take.
        Arg = INFERMEM_E_ARG,
        /// A handle is of another kind, or was freed.
        Handle = INFERMEM_E_HANDLE,
        /// An option struct has a size or fields of no known release.
        Struct = INFERMEM_E_STRUCT,
        /// A size does not fit the machine's address range.
        Overflow = INFERMEM_E_OVERFLOW,
        /// An allocation failed.
        NoMemory = INFERMEM_E_NOMEM,
        /// The operating system refused a request.
        System = INFERMEM_E_SYSTEM,
        /// This build, object or machine cannot do that.
        Unsupported = INFERMEM_E_UNSUPPORTED,
        /// No room is left.
        Full = INFERMEM_E_FULL,
        /// The tape is sealed.
        Sealed = INFERMEM_E_SEALED,
        /// A mark or an object is from before its memory was given back.
        Stale = INFERMEM_E_STALE,
        /// The object's state does not allow the call.
        State = INFERMEM_E_STATE,
        /// A length or a shape is not the one required.
        Shape = INFERMEM_E_SHAPE,
        /// An index lies outside its range.
        Range = INFERMEM_E_RANGE,
        /// A value has another type than the one asked for.
        Type = INFERMEM_E_TYPE,
        /// Nothing has that name.
        NotFound = INFERMEM_E_NOT_FOUND,
        /// A value is NaN or infinite.
        NotFinite = INFERMEM_E_NOT_FINITE,
        /// A step was not finished in every layer.
        Incomplete = INFERMEM_E_INCOMPLETE,
        /// The caller's buffer is too small.
        Buffer = INFERMEM_E_BUFFER,
        /// Reading or writing a file failed.
        Io = INFERMEM_E_IO,
        /// A file is not of the format, or breaks its rules.
        Format = INFERMEM_E_FORMAT,
        /// A file ends before what it declares.
        Truncated = INFERMEM_E_TRUNCATED,
        /// A file is of a version that cannot be read.
        Version = INFERMEM_E_VERSION,
        /// A value is beyond a published limit.
        Limit = INFERMEM_E_LIMIT,
        /// A file's bytes are not those that were saved.
        Corrupt = INFERMEM_E_CORRUPT,
        /// What was saved is of another model.
        Fingerprint = INFERMEM_E_FINGERPRINT,
    }
}

impl Code {
    /// The library's name of it, "INFERMEM_E_FULL", or "unknown".
    pub fn name(self) -> &'static str {
        // The function takes any number, and what it gives is static.
        unsafe { fixed(sys::infermem_error_name(self.number())) }
    }

    /// The sentence of it, "no room is left".
    pub fn text(self) -> &'static str {
        // As above.
        unsafe { fixed(sys::infermem_error_text(self.number())) }
    }
}

/// What went wrong in a call: the library's record of it.
pub struct Error(Box<Detail>);

struct Detail {
    code: Code,
    function: &'static str,
    expected: u64,
    got: u64,
    os_error: Option<i32>,
    message: String,
    source: Option<io::Error>,
}

impl Error {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The function of the library's that failed, "tape_alloc".
    pub fn function(&self) -> &'static str {
        self.0.function
    }

    /// The value, limit or length required, where the message has one; else 0.
    pub fn expected(&self) -> u64 {
        self.0.expected
    }

    /// What there was instead.
    pub fn got(&self) -> u64 {
        self.0.got
    }

    /// The number of the operating system's refusal, where there was one.
    pub fn os_error(&self) -> Option<i32> {
        self.0.os_error
    }

    /// A sentence with the numbers in it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The record of this thread's last failed call, which had this status.
    #[cold]
    fn last(status: i32) -> Self {
        let code = Code::from_number(status);
        // Never NULL, and this thread's own.
        let record = unsafe { &*sys::infermem_error_detail() };
        if record.code != status {
            return Self::here(code, "", 0, 0, code.text().to_owned());
        }
        // The message has a NUL, and the function's name is static.
        let (function, message) = unsafe { (fixed(record.function), CStr::from_ptr(record.message.as_ptr())) };
        Self(Box::new(Detail {
            code,
            function,
            expected: record.expected,
            got: record.got,
            os_error: (record.os_error != 0).then_some(record.os_error),
            message: message.to_string_lossy().into_owned(),
            source: None,
        }))
    }

    /// An error that is found before the library is called.
    pub(crate) fn here(code: Code, function: &'static str, expected: u64, got: u64, message: String) -> Self {
        Self(Box::new(Detail { code, function, expected, got, os_error: None, message, source: None }))
    }

    /// The same with what a reader or writer of the caller's failed with.
    pub(crate) fn with_source(mut self, source: Option<io::Error>) -> Self {
        self.0.source = source;
        self
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("function", &self.0.function)
            .field("expected", &self.0.expected)
            .field("got", &self.0.got)
            .field("os_error", &self.0.os_error)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error.0.source {
            Some(source) => source,
            None => io::Error::new(io::ErrorKind::Other, error),
        }
    }
}

/// A status as a result.
#[inline]
pub(crate) fn check(status: i32) -> Result<()> {
    if status == sys::INFERMEM_OK {
        Ok(())
    } else {
        Err(Error::last(status))
    }
}

/// The handle that a call makes.
pub(crate) fn made<T>(call: impl FnOnce(*mut *mut T) -> i32) -> Result<NonNull<T>> {
    let mut out = std::ptr::null_mut();
    check(call(&mut out))?;
    NonNull::new(out).ok_or_else(|| Error::here(Code::Null, "", 0, 0, "no handle was made".to_owned()))
}

/// What a call fills.
#[inline]
pub(crate) fn filled<T: Default>(call: impl FnOnce(*mut T) -> i32) -> Result<T> {
    let mut out = T::default();
    check(call(&mut out))?;
    Ok(out)
}

/// The text that a call writes to a buffer: asked for its length first.
pub(crate) fn text(call: impl Fn(*mut c_char, usize, *mut usize) -> i32) -> Result<String> {
    let mut length = 0;
    check(call(std::ptr::null_mut(), 0, &mut length))?;
    loop {
        let mut buffer = vec![0_u8; length + 1];
        match check(call(buffer.as_mut_ptr().cast(), buffer.len(), &mut length)) {
            Ok(()) => {
                buffer.truncate(length);
                return Ok(String::from_utf8_lossy(&buffer).into_owned());
            }
            // It has grown meanwhile.
            Err(error) if error.code() == Code::Buffer && error.expected() > buffer.len() as u64 => {
                length = error.expected() as usize - 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A text of the library's that is never freed.
///
/// # Safety
///
/// NULL, or NUL-terminated and static.
pub(crate) unsafe fn fixed(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("")
}

/// A name with the NUL that C wants.
pub(crate) fn name(function: &'static str, bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|error| {
        let place = error.nul_position();
        Error::here(Code::Arg, function, 0, place as u64, format!("a text has a NUL in it, at byte {place}"))
    })
}

pub(crate) fn path(function: &'static str, path: &Path) -> Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    name(function, path.as_os_str().as_bytes())
}

/// Fails where a length is not the one required.
pub(crate) fn length(function: &'static str, what: &str, expected: usize, got: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    let message = format!("{what} has {got} elements, not {expected}");
    Err(Error::here(Code::Shape, function, expected as u64, got as u64, message))
}
