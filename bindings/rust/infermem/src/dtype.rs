//! Element types.

use crate::error::{check, fixed, Result};
use crate::macros::{FromRaw, ToRaw};
use crate::sys;
use std::fmt;

/// The type of a tensor's elements. The numbers are GGUF's, and a file may have one that has no name here; what GGUF does
/// not have is negative. The default is F32, which is 0.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct DType(pub i32);

impl DType {
    /// F32: 1 element in 4 bytes.
    pub const F32: Self = Self(sys::INFERMEM_DTYPE_F32);
    /// F16: 1 element in 2 bytes.
    pub const F16: Self = Self(sys::INFERMEM_DTYPE_F16);
    /// Q4_0: 32 elements in 18 bytes.
    pub const Q4_0: Self = Self(sys::INFERMEM_DTYPE_Q4_0);
    /// Q4_1: 32 elements in 20 bytes.
    pub const Q4_1: Self = Self(sys::INFERMEM_DTYPE_Q4_1);
    /// Q5_0: 32 elements in 22 bytes.
    pub const Q5_0: Self = Self(sys::INFERMEM_DTYPE_Q5_0);
    /// Q5_1: 32 elements in 24 bytes.
    pub const Q5_1: Self = Self(sys::INFERMEM_DTYPE_Q5_1);
    /// Q8_0: 32 elements in 34 bytes.
    pub const Q8_0: Self = Self(sys::INFERMEM_DTYPE_Q8_0);
    /// Q8_1: 32 elements in 36 bytes.
    pub const Q8_1: Self = Self(sys::INFERMEM_DTYPE_Q8_1);
    /// Q2_K: 256 elements in 84 bytes.
    pub const Q2_K: Self = Self(sys::INFERMEM_DTYPE_Q2_K);
    /// Q3_K: 256 elements in 110 bytes.
    pub const Q3_K: Self = Self(sys::INFERMEM_DTYPE_Q3_K);
    /// Q4_K: 256 elements in 144 bytes.
    pub const Q4_K: Self = Self(sys::INFERMEM_DTYPE_Q4_K);
    /// Q5_K: 256 elements in 176 bytes.
    pub const Q5_K: Self = Self(sys::INFERMEM_DTYPE_Q5_K);
    /// Q6_K: 256 elements in 210 bytes.
    pub const Q6_K: Self = Self(sys::INFERMEM_DTYPE_Q6_K);
    /// Q8_K: 256 elements in 292 bytes.
    pub const Q8_K: Self = Self(sys::INFERMEM_DTYPE_Q8_K);
    /// IQ2_XXS: 256 elements in 66 bytes.
    pub const IQ2_XXS: Self = Self(sys::INFERMEM_DTYPE_IQ2_XXS);
    /// IQ2_XS: 256 elements in 74 bytes.
    pub const IQ2_XS: Self = Self(sys::INFERMEM_DTYPE_IQ2_XS);
    /// IQ3_XXS: 256 elements in 98 bytes.
    pub const IQ3_XXS: Self = Self(sys::INFERMEM_DTYPE_IQ3_XXS);
    /// IQ1_S: 256 elements in 50 bytes.
    pub const IQ1_S: Self = Self(sys::INFERMEM_DTYPE_IQ1_S);
    /// IQ4_NL: 32 elements in 18 bytes.
    pub const IQ4_NL: Self = Self(sys::INFERMEM_DTYPE_IQ4_NL);
    /// IQ3_S: 256 elements in 110 bytes.
    pub const IQ3_S: Self = Self(sys::INFERMEM_DTYPE_IQ3_S);
    /// IQ2_S: 256 elements in 82 bytes.
    pub const IQ2_S: Self = Self(sys::INFERMEM_DTYPE_IQ2_S);
    /// IQ4_XS: 256 elements in 136 bytes.
    pub const IQ4_XS: Self = Self(sys::INFERMEM_DTYPE_IQ4_XS);
    /// I8: 1 element in 1 byte.
    pub const I8: Self = Self(sys::INFERMEM_DTYPE_I8);
    /// I16: 1 element in 2 bytes.
    pub const I16: Self = Self(sys::INFERMEM_DTYPE_I16);
    /// I32: 1 element in 4 bytes.
    pub const I32: Self = Self(sys::INFERMEM_DTYPE_I32);
    /// I64: 1 element in 8 bytes.
    pub const I64: Self = Self(sys::INFERMEM_DTYPE_I64);
    /// F64: 1 element in 8 bytes.
    pub const F64: Self = Self(sys::INFERMEM_DTYPE_F64);
    /// IQ1_M: 256 elements in 56 bytes.
    pub const IQ1_M: Self = Self(sys::INFERMEM_DTYPE_IQ1_M);
    /// BF16: 1 element in 2 bytes.
    pub const BF16: Self = Self(sys::INFERMEM_DTYPE_BF16);
    /// TQ1_0: 256 elements in 54 bytes.
    pub const TQ1_0: Self = Self(sys::INFERMEM_DTYPE_TQ1_0);
    /// TQ2_0: 256 elements in 66 bytes.
    pub const TQ2_0: Self = Self(sys::INFERMEM_DTYPE_TQ2_0);
    /// MXFP4: 32 elements in 17 bytes.
    pub const MXFP4: Self = Self(sys::INFERMEM_DTYPE_MXFP4);
    /// NVFP4: 64 elements in 36 bytes.
    pub const NVFP4: Self = Self(sys::INFERMEM_DTYPE_NVFP4);
    /// Q1_0: 128 elements in 18 bytes.
    pub const Q1_0: Self = Self(sys::INFERMEM_DTYPE_Q1_0);
    /// Q2_0: 64 elements in 18 bytes.
    pub const Q2_0: Self = Self(sys::INFERMEM_DTYPE_Q2_0);
    /// BOOL: 1 element in 1 byte.
    pub const BOOL: Self = Self(sys::INFERMEM_DTYPE_BOOL);
    /// U8: 1 element in 1 byte.
    pub const U8: Self = Self(sys::INFERMEM_DTYPE_U8);
    /// U16: 1 element in 2 bytes.
    pub const U16: Self = Self(sys::INFERMEM_DTYPE_U16);
    /// U32: 1 element in 4 bytes.
    pub const U32: Self = Self(sys::INFERMEM_DTYPE_U32);
    /// U64: 1 element in 8 bytes.
    pub const U64: Self = Self(sys::INFERMEM_DTYPE_U64);
    /// F8_E4M3: 1 element in 1 byte.
    pub const F8_E4M3: Self = Self(sys::INFERMEM_DTYPE_F8_E4M3);
    /// F8_E5M2: 1 element in 1 byte.
    pub const F8_E5M2: Self = Self(sys::INFERMEM_DTYPE_F8_E5M2);
    /// F8_E8M0: 1 element in 1 byte.
    pub const F8_E8M0: Self = Self(sys::INFERMEM_DTYPE_F8_E8M0);
    /// F8_E4M3FNUZ: 1 element in 1 byte.
    pub const F8_E4M3FNUZ: Self = Self(sys::INFERMEM_DTYPE_F8_E4M3FNUZ);
    /// F8_E5M2FNUZ: 1 element in 1 byte.
    pub const F8_E5M2FNUZ: Self = Self(sys::INFERMEM_DTYPE_F8_E5M2FNUZ);
    /// C64: 1 element in 8 bytes.
    pub const C64: Self = Self(sys::INFERMEM_DTYPE_C64);
    /// F4: 2 elements in 1 byte.
    pub const F4: Self = Self(sys::INFERMEM_DTYPE_F4);
    /// F6_E2M3: 4 elements in 3 bytes.
    pub const F6_E2M3: Self = Self(sys::INFERMEM_DTYPE_F6_E2M3);
    /// F6_E3M2: 4 elements in 3 bytes.
    pub const F6_E3M2: Self = Self(sys::INFERMEM_DTYPE_F6_E3M2);
    /// A type that has no number: only the bytes of its data are known.
    pub const UNKNOWN: Self = Self(sys::INFERMEM_DTYPE_UNKNOWN);

    /// Its name, "Q4_0", or "unknown".
    pub fn name(self) -> &'static str {
        // The function takes any number, and what it gives is static.
        unsafe { fixed(sys::infermem_dtype_name(self.0)) }
    }

    /// How many elements one block of it holds, and in how many bytes.
    pub fn block(self) -> Result<(usize, usize)> {
        let (mut elements, mut bytes) = (0, 0);
        // Both are written to.
        check(unsafe { sys::infermem_dtype_block(self.0, &mut elements, &mut bytes) })?;
        Ok((elements, bytes))
    }

    /// The bytes that n elements of it take.
    pub fn bytes(self, n: u64) -> Result<u64> {
        let mut bytes = 0;
        // It is written to.
        check(unsafe { sys::infermem_dtype_bytes(self.0, n, &mut bytes) })?;
        Ok(bytes)
    }
}

impl fmt::Debug for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromRaw<i32> for DType {
    fn from_raw(raw: i32) -> Self {
        Self(raw)
    }
}

impl ToRaw<i32> for DType {
    fn to_raw(&self) -> i32 {
        self.0
    }
}
