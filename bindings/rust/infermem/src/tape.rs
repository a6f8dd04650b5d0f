//! Tapes, which are arenas with a cursor.

use crate::error::{check, filled, made, Error, Result};
use crate::{sys, Code};
use std::cell::Cell;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

flags! {
    /// Flags of a tape. HUGE, LOCK, WARM and GUARD are wishes: where the system refuses one, the tape is made all the same
    /// and `granted` in its [`TapeInfo`] lacks the bit, unless REQUIRE asks for all or nothing.
    TapeFlags {
        /// Commit every page at construction.
        WARM = INFERMEM_TAPE_WARM,
        /// Commit on first touch; the default, but for a layout's weights.
        LAZY = INFERMEM_TAPE_LAZY,
        /// Transparent huge pages.
        HUGE = INFERMEM_TAPE_HUGE,
        /// Never swapped out; committed pages only, so combine with WARM for all.
        LOCK = INFERMEM_TAPE_LOCK,
        /// Clearing and rewinding zero what they give back.
        ZERO_ON_CLEAR = INFERMEM_TAPE_ZERO_ON_CLEAR,
        /// An inaccessible page before and after the tape.
        GUARD = INFERMEM_TAPE_GUARD,
        /// Backed by a memfd of fixed size, which another process can map.
        SHARED = INFERMEM_TAPE_SHARED,
        /// Only in `granted`: the pages are bound to `numa_nodes`.
        NUMA = INFERMEM_TAPE_NUMA,
        /// Fail when a wish is not granted.
        REQUIRE = INFERMEM_TAPE_REQUIRE,
    }
}

impl TapeFlags {
    /// For a tape of the kind [`Exclusive`], and of no other: of that kind it is set in any case.
    fn of_kind(self, is_exclusive: bool, function: &'static str) -> Result<u32> {
        let exclusive = sys::INFERMEM_TAPE_EXCLUSIVE;
        if is_exclusive {
            return Ok(self.bits() | exclusive);
        }
        if self.bits() & exclusive != 0 {
            let message = "an exclusive tape is made by `exclusive`".to_owned();
            return Err(Error::here(Code::Arg, function, 0, u64::from(self.bits()), message));
        }
        Ok(self.bits())
    }
}

pub(crate) fn flags_of<S: Kind>(flags: TapeFlags, function: &'static str) -> Result<u32> {
    flags.of_kind(S::IS_EXCLUSIVE, function)
}

/// The kind of tape that many threads may take memory from at once.
#[derive(Debug)]
pub enum Shared {}

/// The kind of tape that one thread at a time takes memory from, without atomic instructions: it is not `Sync`.
#[derive(Debug)]
pub struct Exclusive(Cell<()>);

/// [`Shared`] or [`Exclusive`].
pub trait Kind: sealed::Kind {
    #[doc(hidden)]
    const IS_EXCLUSIVE: bool;
}

impl Kind for Shared {
    const IS_EXCLUSIVE: bool = false;
}

impl Kind for Exclusive {
    const IS_EXCLUSIVE: bool = true;
}

mod sealed {
    pub trait Kind {}
    impl Kind for super::Shared {}
    impl Kind for super::Exclusive {}
}

/// Types that any bits are a value of: what memory of a tape can be seen as.
///
/// # Safety
///
/// Every pattern of bits is a value, and there is no padding.
pub unsafe trait Plain: Copy + 'static {}

macro_rules! plain {
    ($($name:ty),*) => { $( unsafe impl Plain for $name {} )* };
}
plain!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64);

/// How a tape is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapeOptions {
    /// Bytes, more than 0; rounded up to the page.
    pub size: usize,
    /// What it is like.
    pub flags: TapeFlags,
    /// Bit i allows NUMA node i; 0 leaves the choice to the system.
    pub numa_nodes: u64,
}

told! {
    /// What a tape is.
    TapeInfo, infermem_tape_facts {
        /// Bytes obtained.
        pub total: usize,
        /// Bytes of a base page.
        pub page_size: usize,
        /// The flags asked for.
        pub requested: TapeFlags,
        /// Those of them that are in force.
        pub granted: TapeFlags,
        /// The memfd of a SHARED tape, owned by it; -1 of others.
        pub fd: i32,
        /// Unused bytes kept before every allocation but the first: 0, except under Valgrind or AddressSanitizer.
        pub red_zone: u32,
        /// Whether it is sealed.
        pub is_sealed: bool,
    }
}

/// A place in a tape to rewind to.
#[derive(Clone, Copy, Debug)]
pub struct Mark(sys::infermem_tape_mark);

/// Where an object is stored: in a tape, which it then borrows; by default in a mapping of its own.
#[derive(Clone, Copy, Debug)]
pub struct Place<'t> {
    pub(crate) tape: *const sys::infermem_tape,
    borrowed: PhantomData<&'t ()>,
}

impl Default for Place<'_> {
    fn default() -> Self {
        Self { tape: std::ptr::null(), borrowed: PhantomData }
    }
}

impl<'t, S: Kind> From<&'t TapeRef<S>> for Place<'t> {
    fn from(tape: &'t TapeRef<S>) -> Self {
        tape.place()
    }
}

/// A tape that somebody else owns: a [`Tape`], which derefs to it, or a [`Layout`](crate::Layout).
///
/// What is taken from it borrows it, so that nothing is left of that when it is cleared:
///
/// ```compile_fail,E0502
/// # use infermem::{Tape, TapeOptions};
/// # let mut tape = Tape::new(&TapeOptions { size: 1 << 16, ..Default::default() }).unwrap();
/// let row = tape.alloc_slice::<f32>(64).unwrap();
/// tape.clear().unwrap();
/// row[0] = 1.0;
/// ```
#[repr(C)]
pub struct TapeRef<S = Shared> {
    opaque: [u8; 0],
    kind: PhantomData<S>,
}

impl<S: Kind> TapeRef<S> {
    /// # Safety
    ///
    /// The handle lives as long as `'t`, and is of this kind.
    #[inline]
    pub(crate) unsafe fn from_raw<'t>(raw: *mut sys::infermem_tape) -> Option<&'t mut Self> {
        unsafe { raw.cast::<Self>().as_mut() }
    }

    /// The library's handle, for calls of `infermem-sys`.
    #[inline]
    pub fn as_ptr(&self) -> *mut sys::infermem_tape {
        self as *const Self as *mut sys::infermem_tape
    }

    /// This tape as the place of an object.
    pub fn place(&self) -> Place<'_> {
        Place { tape: self.as_ptr(), borrowed: PhantomData }
    }

    /// Takes size bytes at an address that is a multiple of align, a power of two. The contents are whatever was there.
    #[inline]
    #[allow(clippy::mut_from_ref)] // each call gives other memory
    pub fn alloc(&self, size: usize, align: usize) -> Result<&mut [u8]> {
        let mut out: *mut c_void = std::ptr::null_mut();
        // The memory is this call's alone until the tape is cleared or rewound, which takes it exclusively.
        check(unsafe { sys::tape_alloc(self.as_ptr(), size, align, &mut out) })?;
        Ok(unsafe { std::slice::from_raw_parts_mut(out.cast(), size) })
    }

    /// Takes n elements, at a multiple of 64 bytes. The contents are whatever was there.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub fn alloc_slice<T: Plain>(&self, n: usize) -> Result<&mut [T]> {
        if n == 0 {
            return Ok(&mut []);
        }
        let mut out: *mut c_void = std::ptr::null_mut();
        let size = std::mem::size_of::<T>();
        // As above; whatever is there is a T.
        check(unsafe { sys::tape_alloc_array(self.as_ptr(), n, size, 64, &mut out) })?;
        Ok(unsafe { std::slice::from_raw_parts_mut(out.cast(), n) })
    }

    /// Takes room for copies of elements, at a multiple of 64 bytes.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub fn alloc_copy<T: Plain>(&self, from: &[T]) -> Result<&mut [T]> {
        let out = self.alloc_slice(from.len())?;
        out.copy_from_slice(from);
        Ok(out)
    }

    /// Notes the present cursor, for `rewind`.
    #[inline]
    pub fn mark(&self) -> Result<Mark> {
        // It is written to.
        filled(|out| unsafe { sys::tape_mark(self.as_ptr(), out) }).map(Mark)
    }

    /// Gives back everything taken since the mark.
    #[inline]
    pub fn rewind(&mut self, mark: &Mark) -> Result<()> {
        check(unsafe { sys::tape_rewind(self.as_ptr(), &mark.0) })
    }

    /// Gives back everything, in constant time.
    #[inline]
    pub fn clear(&mut self) -> Result<()> {
        check(unsafe { sys::tape_clear(self.as_ptr()) })
    }

    /// Returns the pages beyond the cursor to the system.
    pub fn trim(&mut self) -> Result<()> {
        check(unsafe { sys::tape_trim(self.as_ptr()) })
    }

    /// Commits every page of the tape.
    pub fn warm(&self) -> Result<()> {
        check(unsafe { sys::tape_warm(self.as_ptr()) })
    }

    /// Makes the whole tape read-only.
    pub fn seal(&mut self) -> Result<()> {
        check(unsafe { sys::tape_seal(self.as_ptr()) })
    }

    /// Makes it read-only while objects live in it, such as weights that are never to change.
    ///
    /// # Safety
    ///
    /// Nothing else uses the tape meanwhile, and nothing writes to its memory afterwards, be it through what `alloc` gave
    /// or by a method of an object in it that takes `&mut self`.
    pub unsafe fn seal_in_use(&self) -> Result<()> {
        check(unsafe { sys::tape_seal(self.as_ptr()) })
    }

    /// Makes a sealed tape writable again.
    pub fn unseal(&mut self) -> Result<()> {
        check(unsafe { sys::tape_unseal(self.as_ptr()) })
    }

    /// Bytes in use, the padding of alignments included.
    #[inline]
    pub fn used(&self) -> usize {
        unsafe { sys::tape_used(self.as_ptr()) }
    }

    /// Bytes that an allocation of alignment 1 can still have.
    pub fn free_bytes(&self) -> usize {
        unsafe { sys::tape_free_bytes(self.as_ptr()) }
    }

    /// Bytes in all.
    pub fn total(&self) -> usize {
        unsafe { sys::tape_total(self.as_ptr()) }
    }

    /// The most bytes that were ever in use at once.
    pub fn peak(&self) -> usize {
        unsafe { sys::tape_peak(self.as_ptr()) }
    }

    /// How many allocations were refused with [`Code::Full`].
    pub fn failures(&self) -> u64 {
        unsafe { sys::tape_failures(self.as_ptr()) }
    }

    /// How many times the tape was cleared.
    pub fn generation(&self) -> u64 {
        unsafe { sys::tape_generation(self.as_ptr()) }
    }

    /// Whether the address lies in the part of the tape that is in use.
    pub fn owns<T: ?Sized>(&self, pointer: *const T) -> bool {
        unsafe { sys::tape_owns(self.as_ptr(), pointer.cast()) != 0 }
    }

    /// What it is.
    pub fn info(&self) -> Result<TapeInfo> {
        filled(|out| unsafe { sys::tape_info(self.as_ptr(), out) }).map(TapeInfo::from)
    }
}

impl<S: Kind> fmt::Debug for TapeRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("used", &self.used()).field("total", &self.total()).finish()
    }
}

/// An arena with a cursor, in memory of its own or lent by `'m`.
///
/// ```
/// # use infermem::{Tape, TapeOptions};
/// let mut tape = Tape::new(&TapeOptions { size: 1 << 20, ..Default::default() })?;
/// let row = tape.alloc_slice::<f32>(1024)?;
/// row.fill(1.0);
/// tape.clear()?; // everything taken so far is given back, in constant time
/// assert_eq!(tape.used(), 0);
/// # Ok::<(), infermem::Error>(())
/// ```
///
/// One of the kind [`Exclusive`] stays in one thread:
///
/// ```compile_fail,E0277
/// # use infermem::{Tape, TapeOptions};
/// let tape = Tape::exclusive(&TapeOptions { size: 1 << 16, ..Default::default() }).unwrap();
/// std::thread::scope(|s| {
///     s.spawn(|| tape.alloc(64, 64).unwrap().fill(0));
/// });
/// ```
pub struct Tape<'m, S: Kind = Shared> {
    raw: NonNull<TapeRef<S>>,
    memory: PhantomData<&'m mut [u8]>,
    kind: PhantomData<S>,
}

// Nothing in it belongs to the thread that made it. Of the kind Shared, what takes it as const many threads may call.
unsafe impl<S: Kind> Send for Tape<'_, S> {}
unsafe impl Sync for Tape<'_, Shared> {}

impl<'m, S: Kind> Tape<'m, S> {
    fn make(options: &TapeOptions, lent: Option<&'m mut [u8]>) -> Result<Self> {
        let (size, lent) = match lent {
            Some(memory) => (memory.len(), memory.as_mut_ptr().cast()),
            None => (options.size, std::ptr::null_mut()),
        };
        let options = sys::infermem_tape_options {
            size,
            flags: flags_of::<S>(options.flags, "tape_new")?,
            numa_nodes: options.numa_nodes,
            lent,
            ..Default::default()
        };
        // What is lent outlives the tape, which has it alone.
        let raw = made(|out| unsafe { sys::tape_new(&options, out) })?;
        Ok(Self { raw: raw.cast(), memory: PhantomData, kind: PhantomData })
    }
}

impl Tape<'static> {
    /// Makes a tape of `options.size` bytes.
    pub fn new(options: &TapeOptions) -> Result<Self> {
        Self::make(options, None)
    }
}

impl<'m> Tape<'m> {
    /// Makes a tape in memory of the caller's.
    pub fn lent(memory: &'m mut [u8], flags: TapeFlags) -> Result<Self> {
        Self::make(&TapeOptions { flags, ..Default::default() }, Some(memory))
    }
}

impl Tape<'static, Exclusive> {
    /// Makes one that a single thread uses: taking from it costs less.
    pub fn exclusive(options: &TapeOptions) -> Result<Self> {
        Self::make(options, None)
    }
}

impl<S: Kind> Drop for Tape<'_, S> {
    fn drop(&mut self) {
        // Freed once; what was stored in it borrowed it, and is gone.
        unsafe { sys::tape_free(self.raw.as_ptr().cast()) }
    }
}

impl<S: Kind> Deref for Tape<'_, S> {
    type Target = TapeRef<S>;

    #[inline]
    fn deref(&self) -> &TapeRef<S> {
        // It lives until the drop.
        unsafe { self.raw.as_ref() }
    }
}

impl<S: Kind> DerefMut for Tape<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut TapeRef<S> {
        // As above.
        unsafe { self.raw.as_mut() }
    }
}

impl<S: Kind> fmt::Debug for Tape<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
