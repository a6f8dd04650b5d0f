//! The metadata of a model file.

use crate::error::{check, filled, name as c_name, Result};
use crate::{sys, Code, Model};
use std::borrow::Cow;

choices! {
    /// The type of a metadata value; the numbers are GGUF's.
    MetaType: u32 {
        /// An integer.
        U8 = INFERMEM_META_U8,
        /// An integer.
        I8 = INFERMEM_META_I8,
        /// An integer.
        U16 = INFERMEM_META_U16,
        /// An integer.
        I16 = INFERMEM_META_I16,
        /// An integer.
        U32 = INFERMEM_META_U32,
        /// An integer.
        I32 = INFERMEM_META_I32,
        /// A float.
        F32 = INFERMEM_META_F32,
        /// True or false.
        Bool = INFERMEM_META_BOOL,
        /// Bytes, UTF-8 as a rule.
        String = INFERMEM_META_STRING,
        /// Several of one type.
        Array = INFERMEM_META_ARRAY,
        /// An integer.
        U64 = INFERMEM_META_U64,
        /// An integer.
        I64 = INFERMEM_META_I64,
        /// A float.
        F64 = INFERMEM_META_F64,
    }
}

/// What the file says of a metadata value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaInfo<'m> {
    /// Of GGUF it need not be valid UTF-8.
    pub key: &'m [u8],
    /// Of the value.
    pub value_type: MetaType,
    /// Of an array, that of its elements; else the same.
    pub element_type: MetaType,
    /// Of an array, its elements; else 1.
    pub count: u64,
}

impl MetaInfo<'_> {
    /// The key as text, with replacements for what is not UTF-8.
    pub fn key_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.key)
    }
}

/// Metadata. Keys are bytes, so that `&str` will do as well as what [`MetaInfo`] has.
impl Model {
    /// How many values there are.
    pub fn meta_count(&self) -> usize {
        unsafe { sys::model_meta_count(self.as_ptr()) }
    }

    /// What the file says of a value, in its order.
    pub fn meta_info(&self, index: usize) -> Result<MetaInfo<'_>> {
        let raw = filled(|out| unsafe { sys::model_meta_info(self.as_ptr(), index, out) })?;
        Ok(MetaInfo {
            // It lives as long as the model.
            key: unsafe { std::slice::from_raw_parts(raw.key.cast(), raw.key_length) },
            value_type: MetaType::from_number(raw.type_),
            element_type: MetaType::from_number(raw.element_type),
            count: raw.count,
        })
    }

    /// All of them.
    pub fn metadata(&self) -> impl Iterator<Item = MetaInfo<'_>> + '_ {
        (0..self.meta_count()).filter_map(|i| self.meta_info(i).ok())
    }

    /// The index of the value of that key.
    pub fn meta_find(&self, key: impl AsRef<[u8]>) -> Result<usize> {
        let key = c_name("model_meta_find", key.as_ref())?;
        filled(|out| unsafe { sys::model_meta_find(self.as_ptr(), key.as_ptr(), out) })
    }

    /// The value of an integer of any type.
    pub fn meta_u64(&self, key: impl AsRef<[u8]>) -> Result<u64> {
        let key = c_name("model_meta_u64", key.as_ref())?;
        filled(|out| unsafe { sys::model_meta_u64(self.as_ptr(), key.as_ptr(), out) })
    }

    /// The same, signed.
    pub fn meta_i64(&self, key: impl AsRef<[u8]>) -> Result<i64> {
        let key = c_name("model_meta_i64", key.as_ref())?;
        filled(|out| unsafe { sys::model_meta_i64(self.as_ptr(), key.as_ptr(), out) })
    }

    /// The value of an f32 or f64.
    pub fn meta_f64(&self, key: impl AsRef<[u8]>) -> Result<f64> {
        let key = c_name("model_meta_f64", key.as_ref())?;
        filled(|out| unsafe { sys::model_meta_f64(self.as_ptr(), key.as_ptr(), out) })
    }

    /// The value of a bool.
    pub fn meta_bool(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        let key = c_name("model_meta_bool", key.as_ref())?;
        filled(|out| unsafe { sys::model_meta_bool(self.as_ptr(), key.as_ptr(), out) }).map(|yes: i32| yes != 0)
    }

    /// The value of a string, which need not be valid UTF-8.
    pub fn meta_bytes(&self, key: impl AsRef<[u8]>) -> Result<&[u8]> {
        let key = c_name("model_meta_string", key.as_ref())?;
        let (mut out, mut length) = (std::ptr::null(), 0);
        check(unsafe { sys::model_meta_string(self.as_ptr(), key.as_ptr(), &mut out, &mut length) })?;
        // They live as long as the model.
        Ok(unsafe { std::slice::from_raw_parts(out.cast(), length) })
    }

    /// The same as text, with replacements for what is not UTF-8.
    pub fn meta_text(&self, key: impl AsRef<[u8]>) -> Result<Cow<'_, str>> {
        self.meta_bytes(key).map(String::from_utf8_lossy)
    }

    /// Reads elements of an array of integers or bools, from `first` on.
    pub fn meta_array_u64(&self, key: impl AsRef<[u8]>, first: u64, out: &mut [u64]) -> Result<()> {
        let key = c_name("model_meta_array_u64", key.as_ref())?;
        let (n, out) = (out.len(), out.as_mut_ptr());
        check(unsafe { sys::model_meta_array_u64(self.as_ptr(), key.as_ptr(), first, n, out) })
    }

    /// The same, signed.
    pub fn meta_array_i64(&self, key: impl AsRef<[u8]>, first: u64, out: &mut [i64]) -> Result<()> {
        let key = c_name("model_meta_array_i64", key.as_ref())?;
        let (n, out) = (out.len(), out.as_mut_ptr());
        check(unsafe { sys::model_meta_array_i64(self.as_ptr(), key.as_ptr(), first, n, out) })
    }

    /// The same of an array of floats.
    pub fn meta_array_f64(&self, key: impl AsRef<[u8]>, first: u64, out: &mut [f64]) -> Result<()> {
        let key = c_name("model_meta_array_f64", key.as_ref())?;
        let (n, out) = (out.len(), out.as_mut_ptr());
        check(unsafe { sys::model_meta_array_f64(self.as_ptr(), key.as_ptr(), first, n, out) })
    }

    /// Reads n strings of an array of strings, from `first` on: ask for many at once.
    pub fn meta_array_bytes(&self, key: impl AsRef<[u8]>, first: u64, n: usize) -> Result<Vec<Vec<u8>>> {
        let key = c_name("model_meta_array_strings", key.as_ref())?;
        let call = |buffer, capacity, offsets, length: &mut usize| {
            let (model, key) = (self.as_ptr(), key.as_ptr());
            check(unsafe { sys::model_meta_array_strings(model, key, first, n, buffer, capacity, offsets, length) })
        };
        let mut length = 0;
        call(std::ptr::null_mut(), 0, std::ptr::null_mut(), &mut length)?;
        // n is at most what the array has, which the call has seen to.
        let (mut bytes, mut offsets) = (vec![0_u8; length.max(1)], vec![0_usize; n + 1]);
        call(bytes.as_mut_ptr().cast(), bytes.len(), offsets.as_mut_ptr(), &mut length)?;
        // Each ends with a NUL.
        Ok(offsets.windows(2).map(|place| bytes[place[0]..place[1] - 1].to_vec()).collect())
    }

    /// Reads all strings of an array of strings as text, with replacements for what is not UTF-8.
    pub fn meta_array_texts(&self, key: impl AsRef<[u8]>) -> Result<Vec<String>> {
        let info = self.meta_info(self.meta_find(key.as_ref())?)?;
        let count = usize::try_from(info.count).map_err(|_| {
            let message = "the array has more strings than fit".to_owned();
            crate::Error::here(Code::Overflow, "model_meta_array_strings", 0, info.count, message)
        })?;
        let strings = self.meta_array_bytes(key, 0, count)?;
        Ok(strings.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect())
    }
}
