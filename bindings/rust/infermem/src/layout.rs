//! The layout: three tapes with three lifetimes.

use crate::error::{check, filled, made, text, Result};
use crate::sys;
use crate::tape::{flags_of, Exclusive, Kind, Shared, TapeFlags, TapeRef};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// How a layout is made. A size of 0 leaves that tape out; at least one size is not 0. The weights tape is WARM unless
/// its flags have LAZY; the other two are LAZY unless theirs have WARM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayoutOptions {
    /// Bytes for what is loaded once and kept.
    pub weights_size: usize,
    /// Bytes for what is cleared every token.
    pub scratch_size: usize,
    /// Bytes for what is cleared every conversation.
    pub history_size: usize,
    /// Of the weights tape.
    pub weights_flags: TapeFlags,
    /// Of the scratch tape.
    pub scratch_flags: TapeFlags,
    /// Of the history tape.
    pub history_flags: TapeFlags,
    /// Bit i allows NUMA node i, for all three; 0 leaves the choice to the system.
    pub numa_nodes: u64,
}

told! {
    /// One consistent record of a layout's three tapes, in bytes; an absent tape's fields are 0.
    LayoutUsage, infermem_layout_usage {
        /// In use.
        pub weights_used: usize,
        /// In all.
        pub weights_total: usize,
        /// The most that were ever in use.
        pub weights_peak: usize,
        /// In use.
        pub scratch_used: usize,
        /// In all.
        pub scratch_total: usize,
        /// The most that were ever in use.
        pub scratch_peak: usize,
        /// In use.
        pub history_used: usize,
        /// In all.
        pub history_total: usize,
        /// The most that were ever in use.
        pub history_peak: usize,
    }
}

/// The three tapes of an inference process, all of one kind.
///
/// Objects that are stored in a tape borrow it, and through it the layout. Where one tape is to be cleared while objects
/// live in another, which is what a layout is for, borrow them apart with [`tapes`](Self::tapes):
///
/// ```
/// # use infermem::{Kv, KvOptions, Layout, LayoutOptions};
/// let mut layout = Layout::new(&LayoutOptions { scratch_size: 1 << 16, history_size: 1 << 20, ..Default::default() })?;
/// let tapes = layout.tapes();
/// let (scratch, history) = (tapes.scratch.unwrap(), tapes.history.unwrap());
/// let cache = Kv::new(&KvOptions {
///     n_layers: 1, n_kv_heads: 1, head_dim: 64, max_tokens: 16, tape: history.place(), ..Default::default()
/// })?;
/// for _token in 0..3 {
///     scratch.clear()?; // the cache stays
///     scratch.alloc_slice::<f32>(64)?;
/// }
/// drop(cache);
/// layout.clear_talk()?;
/// # Ok::<(), infermem::Error>(())
/// ```
///
/// What still lives in a tape keeps the layout from being cleared:
///
/// ```compile_fail,E0502
/// # use infermem::{Layout, LayoutOptions};
/// # let mut layout = Layout::new(&LayoutOptions { scratch_size: 1 << 16, ..Default::default() }).unwrap();
/// let row = layout.scratch().unwrap().alloc_slice::<f32>(64).unwrap();
/// layout.clear_pass().unwrap();
/// row[0] = 1.0;
/// ```
pub struct Layout<S: Kind = Shared> {
    raw: NonNull<sys::infermem_layout>,
    kind: PhantomData<S>,
}

// As of a tape.
unsafe impl<S: Kind> Send for Layout<S> {}
unsafe impl Sync for Layout<Shared> {}

/// The tapes of a layout, borrowed apart; None where it has none.
#[derive(Debug)]
pub struct Tapes<'l, S: Kind = Shared> {
    /// What is loaded once and kept.
    pub weights: Option<&'l mut TapeRef<S>>,
    /// What is cleared every token.
    pub scratch: Option<&'l mut TapeRef<S>>,
    /// What is cleared every conversation.
    pub history: Option<&'l mut TapeRef<S>>,
}

impl Layout {
    /// Makes the tapes: all of them, or none.
    pub fn new(options: &LayoutOptions) -> Result<Self> {
        Self::make(options)
    }

    /// Takes over a layout that the call makes.
    pub(crate) fn made(call: impl FnOnce(*mut *mut sys::infermem_layout) -> i32) -> Result<Self> {
        Ok(Self { raw: made(call)?, kind: PhantomData })
    }
}

impl Layout<Exclusive> {
    /// Makes tapes that a single thread uses.
    pub fn exclusive(options: &LayoutOptions) -> Result<Self> {
        Self::make(options)
    }
}

impl<S: Kind> Layout<S> {
    fn make(options: &LayoutOptions) -> Result<Self> {
        // An absent tape may have no flags.
        let flags = |size, flags| if size == 0 { Ok(0) } else { flags_of::<S>(flags, "layout_new") };
        let options = sys::infermem_layout_options {
            weights_size: options.weights_size,
            scratch_size: options.scratch_size,
            history_size: options.history_size,
            weights_flags: flags(options.weights_size, options.weights_flags)?,
            scratch_flags: flags(options.scratch_size, options.scratch_flags)?,
            history_flags: flags(options.history_size, options.history_flags)?,
            numa_nodes: options.numa_nodes,
            ..Default::default()
        };
        Ok(Self { raw: made(|out| unsafe { sys::layout_new(&options, out) })?, kind: PhantomData })
    }

    /// The library's handle, which stays this object's, for calls of `infermem-sys`.
    pub fn as_ptr(&self) -> *mut sys::infermem_layout {
        self.raw.as_ptr()
    }

    /// The weights tape, where there is one.
    pub fn weights(&self) -> Option<&TapeRef<S>> {
        // It lives as long as the layout.
        unsafe { TapeRef::from_raw(sys::layout_weights(self.as_ptr())) }.map(|tape| &*tape)
    }

    /// The scratch tape, where there is one.
    pub fn scratch(&self) -> Option<&TapeRef<S>> {
        // As above.
        unsafe { TapeRef::from_raw(sys::layout_scratch(self.as_ptr())) }.map(|tape| &*tape)
    }

    /// The history tape, where there is one.
    pub fn history(&self) -> Option<&TapeRef<S>> {
        // As above.
        unsafe { TapeRef::from_raw(sys::layout_history(self.as_ptr())) }.map(|tape| &*tape)
    }

    /// All three, each to be changed by itself.
    pub fn tapes(&mut self) -> Tapes<'_, S> {
        // They are three, and nothing else has the layout meanwhile.
        unsafe {
            Tapes {
                weights: TapeRef::from_raw(sys::layout_weights(self.as_ptr())),
                scratch: TapeRef::from_raw(sys::layout_scratch(self.as_ptr())),
                history: TapeRef::from_raw(sys::layout_history(self.as_ptr())),
            }
        }
    }

    /// Ends a forward pass: clears scratch.
    pub fn clear_pass(&mut self) -> Result<()> {
        check(unsafe { sys::layout_clear_pass(self.as_ptr()) })
    }

    /// Ends a conversation: clears history, then scratch.
    pub fn clear_talk(&mut self) -> Result<()> {
        check(unsafe { sys::layout_clear_talk(self.as_ptr()) })
    }

    /// The sum of the three tapes' totals in bytes.
    pub fn total(&self) -> usize {
        unsafe { sys::layout_total(self.as_ptr()) }
    }

    /// Used, total and peak bytes of each tape.
    pub fn usage(&self) -> Result<LayoutUsage> {
        filled(|out| unsafe { sys::layout_stat(self.as_ptr(), out) }).map(LayoutUsage::from)
    }

    /// The same as one line, in MiB.
    pub fn usage_text(&self) -> Result<String> {
        text(|buffer, capacity, length| unsafe { sys::layout_stat_text(self.as_ptr(), buffer, capacity, length) })
    }
}

impl<S: Kind> Drop for Layout<S> {
    fn drop(&mut self) {
        // Freed once; what was stored in it borrowed it, and is gone.
        unsafe { sys::layout_free(self.as_ptr()) }
    }
}

impl<S: Kind> fmt::Debug for Layout<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layout").field(&self.usage()).finish()
    }
}
