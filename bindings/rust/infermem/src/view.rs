//! Views: the one form in which data leaves the library.

use crate::error::{made, Result};
use crate::{sys, DType};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// Types of Rust's that elements of views are seen as.
pub trait Element: crate::Plain {
    /// Whether elements of that type are of this one's bits.
    fn holds(dtype: DType) -> bool;
}

macro_rules! element {
    ($($name:ty: $($dtype:ident)*;)*) => { $(
        impl Element for $name {
            fn holds(dtype: DType) -> bool {
                [$(DType::$dtype),*].contains(&dtype)
            }
        }
    )* };
}
// F16 and BF16 as their bits.
element! {
    f32: F32; f64: F64; u16: F16 BF16 U16; u8: U8 BOOL F8_E4M3 F8_E5M2 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ; u32: U32;
    u64: U64; i8: I8; i16: I16; i32: I32; i64: I64;
}

/// A strided window on memory that a handle owns, which it borrows. Dimensions run from the slowest to the fastest.
///
/// ```compile_fail,E0502
/// # use infermem::{Kv, KvOptions};
/// # let mut cache = Kv::new(&KvOptions {
/// #     n_layers: 1, n_kv_heads: 1, head_dim: 64, max_tokens: 16, ..Default::default()
/// # }).unwrap();
/// let keys = cache.keys(0).unwrap();
/// cache.clear().unwrap();
/// println!("{:?}", keys.shape());
/// ```
///
/// ```compile_fail,E0505
/// # use infermem::{Kv, KvOptions};
/// # let cache = Kv::new(&KvOptions {
/// #     n_layers: 1, n_kv_heads: 1, head_dim: 64, max_tokens: 16, ..Default::default()
/// # }).unwrap();
/// let keys = cache.keys(0).unwrap();
/// drop(cache);
/// println!("{:?}", keys.shape());
/// ```
#[derive(Clone, Copy)]
pub struct View<'a> {
    raw: sys::infermem_view,
    memory: PhantomData<&'a [u8]>,
}

// It is a reference to numbers that do not change meanwhile.
unsafe impl Send for View<'_> {}
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    /// # Safety
    ///
    /// The memory is there and is not changed for `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: sys::infermem_view) -> Self {
        Self { raw, memory: PhantomData }
    }

    /// The library's record of it.
    pub fn as_raw(&self) -> &sys::infermem_view {
        &self.raw
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        DType(self.raw.dtype)
    }

    /// Elements in each dimension.
    pub fn shape(&self) -> &[u64] {
        &self.raw.shape[..self.raw.n_dims as usize]
    }

    /// Bytes from one element to the next in each dimension; of a block type, in the last, the bytes of a block.
    pub fn strides(&self) -> &[i64] {
        &self.raw.strides[..self.raw.n_dims as usize]
    }

    /// Elements in all.
    pub fn len(&self) -> u64 {
        self.shape().iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// The first element's address.
    pub fn as_ptr(&self) -> *const u8 {
        self.raw.data.cast()
    }

    /// The bytes from the first element to the end of the last.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        // They are there for 'a.
        unsafe { slice(self.raw.data.cast(), self.raw.bytes as usize) }
    }

    /// The elements, where they are of this type and follow each other without gaps.
    #[inline]
    pub fn as_slice<T: Element>(&self) -> Option<&'a [T]> {
        let n = self.contiguous::<T>()?;
        // They are there for 'a, at addresses that will do.
        Some(unsafe { slice(self.raw.data.cast(), n) })
    }

    /// A row of a matrix, where its elements are of this type.
    #[inline]
    pub fn row<T: Element>(&self, index: usize) -> Option<&'a [T]> {
        let place = self.row_at::<T>(index)?;
        // As above.
        Some(unsafe { slice(place.cast(), self.raw.shape[1] as usize) })
    }

    /// The rows of a matrix, of which there are none where its elements are not of this type.
    pub fn rows<T: Element>(&self) -> impl Iterator<Item = &'a [T]> + '_ {
        (0..).map_while(move |i| self.row(i))
    }

    #[inline]
    fn contiguous<T: Element>(&self) -> Option<usize> {
        if !T::holds(self.dtype()) || (self.raw.data as usize) % std::mem::align_of::<T>() != 0 {
            return None;
        }
        let mut step = std::mem::size_of::<T>() as i64;
        for (&n, &stride) in self.shape().iter().zip(self.strides()).rev() {
            if n > 1 && stride != step {
                return None;
            }
            step *= n as i64;
        }
        Some(self.len() as usize)
    }

    #[inline]
    fn row_at<T: Element>(&self, index: usize) -> Option<*mut u8> {
        let (shape, strides) = (self.shape(), self.strides());
        if shape.len() != 2 || index as u64 >= shape[0] || !T::holds(self.dtype()) {
            return None;
        }
        if shape[1] > 1 && strides[1] != std::mem::size_of::<T>() as i64 {
            return None;
        }
        // Within the view's bytes.
        let place = unsafe { self.raw.data.cast::<u8>().offset(index as isize * strides[0] as isize) };
        (place as usize % std::mem::align_of::<T>() == 0).then_some(place)
    }

    /// It as a DLPack tensor, which other programs take it as.
    pub fn dlpack(&self) -> Result<DlPack<'a>> {
        // The record is read during the call.
        let raw = made(|out| unsafe { sys::infermem_view_dlpack(&self.raw, std::ptr::null(), out) })?;
        Ok(DlPack { raw, memory: PhantomData })
    }

    /// The same in the form from before versions.
    pub fn dlpack_unversioned(&self) -> Result<DlPackUnversioned<'a>> {
        // As above.
        let raw = made(|out| unsafe { sys::infermem_view_dlpack_unversioned(&self.raw, std::ptr::null(), out) })?;
        Ok(DlPackUnversioned { raw, memory: PhantomData })
    }

    /// It as an array of ndarray's, where its elements are of this type.
    #[cfg(feature = "ndarray")]
    pub fn to_ndarray<T: Element>(&self) -> Option<ndarray::ArrayViewD<'a, T>> {
        use ndarray::ShapeBuilder;
        let (shape, strides) = self.array_of::<T>()?;
        // The memory is there for 'a, and of this shape.
        Some(unsafe { ndarray::ArrayViewD::from_shape_ptr(shape.strides(strides), self.raw.data.cast()) })
    }

    #[cfg(feature = "ndarray")]
    fn array_of<T: Element>(&self) -> Option<(ndarray::IxDyn, ndarray::IxDyn)> {
        let size = std::mem::size_of::<T>() as i64;
        if !T::holds(self.dtype()) || self.raw.data.is_null() || self.raw.data as usize % std::mem::align_of::<T>() != 0
        {
            return None;
        }
        if self.strides().iter().any(|stride| stride % size != 0 || *stride < 0) {
            return None;
        }
        let shape: Vec<usize> = self.shape().iter().map(|&n| n as usize).collect();
        let strides: Vec<usize> = self.strides().iter().map(|&stride| (stride / size) as usize).collect();
        Some((ndarray::IxDyn(&shape), ndarray::IxDyn(&strides)))
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("dtype", &self.dtype()).field("shape", &self.shape()).finish()
    }
}

/// A slice that may be NULL where it is empty.
#[inline]
unsafe fn slice<'a, T>(data: *const T, n: usize) -> &'a [T] {
    if n == 0 {
        return &[];
    }
    unsafe { std::slice::from_raw_parts(data, n) }
}

/// A view that what it shows can be changed through.
#[derive(Debug)]
pub struct ViewMut<'a> {
    view: View<'a>,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> ViewMut<'a> {
    /// # Safety
    ///
    /// The memory is there, and nobody else's, for `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: sys::infermem_view) -> Self {
        Self { view: unsafe { View::from_raw(raw) }, memory: PhantomData }
    }

    /// What it shows, to be read.
    pub fn view(&self) -> View<'_> {
        self.view
    }

    /// The elements, where they are of this type and follow each other without gaps.
    pub fn as_slice_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        let n = self.view.contiguous::<T>()?;
        if n == 0 {
            return Some(&mut []);
        }
        // They are this view's alone.
        Some(unsafe { std::slice::from_raw_parts_mut(self.view.raw.data.cast(), n) })
    }

    /// A row of a matrix, where its elements are of this type.
    pub fn row_mut<T: Element>(&mut self, index: usize) -> Option<&mut [T]> {
        let place = self.view.row_at::<T>(index)?;
        // As above.
        Some(unsafe { std::slice::from_raw_parts_mut(place.cast(), self.view.raw.shape[1] as usize) })
    }

    /// The bytes from the first element to the end of the last.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        if self.view.raw.bytes == 0 {
            return &mut [];
        }
        // As above.
        unsafe { std::slice::from_raw_parts_mut(self.view.raw.data.cast(), self.view.raw.bytes as usize) }
    }

    /// It as an array of ndarray's, where its elements are of this type.
    #[cfg(feature = "ndarray")]
    pub fn to_ndarray_mut<T: Element>(&mut self) -> Option<ndarray::ArrayViewMutD<'_, T>> {
        use ndarray::ShapeBuilder;
        let (shape, strides) = self.view.array_of::<T>()?;
        // The memory is this view's alone, and of this shape.
        Some(unsafe { ndarray::ArrayViewMutD::from_shape_ptr(shape.strides(strides), self.view.raw.data.cast()) })
    }
}

macro_rules! dlpack {
    ($(#[$doc:meta])* $name:ident, $raw:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<'a> {
            raw: NonNull<sys::$raw>,
            memory: PhantomData<&'a [u8]>,
        }

        // The deleter may be called in any thread.
        unsafe impl Send for $name<'_> {}

        impl $name<'_> {
            /// Gives the tensor away, to who calls its deleter once, before the view's memory goes.
            pub fn into_raw(self) -> *mut sys::$raw {
                std::mem::ManuallyDrop::new(self).raw.as_ptr()
            }
        }

        impl Deref for $name<'_> {
            type Target = sys::$raw;

            fn deref(&self) -> &sys::$raw {
                // It is there until the deleter is called.
                unsafe { self.raw.as_ref() }
            }
        }

        impl Drop for $name<'_> {
            fn drop(&mut self) {
                if let Some(deleter) = self.deleter {
                    // Called once.
                    unsafe { deleter(self.raw.as_ptr()) }
                }
            }
        }
    };
}

dlpack! {
    /// A DLPack tensor of a view, DLManagedTensorVersioned: a capsule of the name "dltensor_versioned" holds one.
    DlPack, infermem_dlpack
}
dlpack! {
    /// The form from before versions, DLManagedTensor: a capsule of the name "dltensor" holds one. It cannot say that the
    /// tensor is read-only.
    DlPackUnversioned, infermem_dlpack_unversioned
}
