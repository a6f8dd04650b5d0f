//! Scratchpads: preallocated rows with a length.

use crate::error::{check, filled, text, Error, Result};
use crate::{sys, Code, DType, Element, Place, View};
use std::fmt;

/// How a pad is made.
#[derive(Clone, Debug, Default)]
pub struct PadOptions<'t> {
    /// Rows that it can hold.
    pub max_tokens: usize,
    /// Elements of a row.
    pub dim: usize,
    /// F32, F64, F16 or BF16.
    pub dtype: DType,
    /// Where the rows are stored.
    pub tape: Place<'t>,
}

handle! {
    /// A preallocated `[max_tokens, dim]` buffer of rows with a length.
    ///
    /// ```
    /// # use infermem::{DType, Pad, PadOptions};
    /// let mut pad = Pad::new(&PadOptions { max_tokens: 8, dim: 2, dtype: DType::F16, ..Default::default() })?;
    /// pad.append_f32(&[1.0, 2.0])?; // a row of floats, stored as F16
    /// assert_eq!(pad.view()?.row::<u16>(0), Some(&[0x3c00, 0x4000][..]));
    /// # Ok::<(), infermem::Error>(())
    /// ```
    Pad<'t>, infermem_pad, pad_free
}

impl<'t> Pad<'t> {
    /// Makes an empty pad.
    pub fn new(options: &PadOptions<'t>) -> Result<Self> {
        let options = sys::infermem_pad_options {
            max_tokens: options.max_tokens,
            dim: options.dim,
            type_: options.dtype.0,
            tape: options.tape.tape,
            ..Default::default()
        };
        // The tape outlives the pad.
        Self::made(|out| unsafe { sys::pad_new(&options, out) })
    }

    /// Copies one row, of elements of the pad's own type.
    #[inline]
    pub fn append<T: Element>(&mut self, row: &[T]) -> Result<()> {
        self.need::<T>("pad_append")?;
        // As many elements of the type as the length says.
        check(unsafe { sys::pad_append(self.as_ptr(), row.as_ptr().cast(), row.len()) })
    }

    /// Copies rows, all of them or none, of elements of the pad's own type.
    pub fn append_rows<T: Element>(&mut self, rows: &[T]) -> Result<()> {
        self.need::<T>("pad_append_rows")?;
        let n = self.whole_rows("pad_append_rows", rows.len())?;
        // As above.
        check(unsafe { sys::pad_append_rows(self.as_ptr(), rows.as_ptr().cast(), n, self.dim()) })
    }

    /// Appends rows of floats, all of them or none, converted to the pad's type.
    #[inline]
    pub fn append_f32(&mut self, rows: &[f32]) -> Result<()> {
        let n = self.whole_rows("pad_append_f32", rows.len())?;
        check(unsafe { sys::pad_append_f32(self.as_ptr(), rows.as_ptr(), n, self.dim()) })
    }

    fn need<T: Element>(&self, function: &'static str) -> Result<()> {
        let dtype = self.view()?.dtype();
        if T::holds(dtype) {
            return Ok(());
        }
        let message = format!("the pad's elements are {dtype}, not {}", std::any::type_name::<T>());
        Err(Error::here(Code::Type, function, dtype.0 as u64, 0, message))
    }

    fn whole_rows(&self, function: &'static str, n: usize) -> Result<usize> {
        let dim = self.dim();
        if n % dim == 0 {
            return Ok(n / dim);
        }
        let message = format!("{n} elements are not whole rows of {dim}");
        Err(Error::here(Code::Shape, function, dim as u64, n as u64, message))
    }

    /// The rows, `[len, dim]` of the pad's type.
    #[inline]
    pub fn view(&self) -> Result<View<'_>> {
        // Rows stay as they are until a call that takes the pad exclusively.
        filled(|out| unsafe { sys::pad_view(self.as_ptr(), out) }).map(|raw| unsafe { View::from_raw(raw) })
    }

    /// Shortens the pad to its first n rows.
    pub fn truncate(&mut self, n: usize) -> Result<()> {
        check(unsafe { sys::pad_truncate(self.as_ptr(), n) })
    }

    /// Empties the pad.
    pub fn clear(&mut self) -> Result<()> {
        check(unsafe { sys::pad_clear(self.as_ptr()) })
    }

    /// Rows in the pad.
    pub fn len(&self) -> usize {
        unsafe { sys::pad_len(self.as_ptr()) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        unsafe { sys::pad_is_empty(self.as_ptr()) != 0 }
    }

    /// The most rows that the pad can hold.
    pub fn capacity(&self) -> usize {
        unsafe { sys::pad_capacity(self.as_ptr()) }
    }

    /// Elements of a row.
    pub fn dim(&self) -> usize {
        unsafe { sys::pad_dim(self.as_ptr()) }
    }

    /// How many times the pad was cleared.
    pub fn generation(&self) -> u64 {
        unsafe { sys::pad_generation(self.as_ptr()) }
    }
}

impl fmt::Display for Pad<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = text(|buffer, capacity, length| unsafe { sys::pad_text(self.as_ptr(), buffer, capacity, length) });
        f.write_str(&words.map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Pad<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
