//! KV caches.

use crate::error::{check, filled, length, path as c_path, Result};
use crate::io::{self, Callback};
use crate::{sys, DType, Place, View, ViewMut};
use std::fmt;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;

flags! {
    /// Flags of a cache.
    KvFlags {
        /// Rotate the heads of keys before they are stored.
        ROTATE_K = INFERMEM_KV_ROTATE_K,
        /// Those of values.
        ROTATE_V = INFERMEM_KV_ROTATE_V,
        /// Store past the processor's caches, whatever the size: for rows that are not soon read. Other threads see them
        /// after `advance`.
        STREAM = INFERMEM_KV_STREAM,
    }
}

choices! {
    /// Which half of a cache.
    KvHalf: i32 {
        /// Keys.
        Keys = INFERMEM_KV_K,
        /// Values.
        Values = INFERMEM_KV_V,
    }
}

/// How a cache is made. `n_layers`, `n_kv_heads`, `head_dim` and `max_tokens` are more than 0.
#[derive(Clone, Debug, Default)]
pub struct KvOptions<'t> {
    /// Layers.
    pub n_layers: usize,
    /// Heads that keys and values have.
    pub n_kv_heads: usize,
    /// Elements of one head's key.
    pub head_dim: usize,
    /// Elements of one head's value; 0 means `head_dim`.
    pub head_dim_v: usize,
    /// Tokens that it has room for.
    pub max_tokens: usize,
    /// How keys are stored.
    pub k_type: DType,
    /// How values are stored.
    pub v_type: DType,
    /// A type for each layer, instead of `k_type`; empty means `k_type` in all.
    pub k_types: Vec<DType>,
    /// The same for values.
    pub v_types: Vec<DType>,
    /// The tokens that it may grow to; 0 means that it may not grow.
    pub growable: usize,
    /// What it is like.
    pub flags: KvFlags,
    /// Where it is stored.
    pub tape: Place<'t>,
}

asked! {
    /// What attention is computed.
    AttendOptions, infermem_kv_attend_options {
        /// Heads of the query, a multiple of the cache's `n_kv_heads`; 0 means `n_kv_heads`.
        pub n_q_heads: usize,
        /// Tokens of the query, 64 at most; 0 means 1.
        pub n_q_tokens: usize,
        /// Tokens that other caches hold after those of this one.
        pub n_after: usize,
        /// A token sees itself and the window - 1 tokens before it; 0 means all before it.
        pub window: usize,
        /// Of the scores, finite; 0 means 1 / sqrt(head_dim).
        pub scale: f32,
        /// Scores become soft_cap * tanh(score / soft_cap); finite, at least 0; 0 means that they stay.
        pub soft_cap: f32,
    }
}

/// What a saved cache says of itself. A cache made with these numbers can load it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KvSaved {
    /// Tokens.
    pub n_tokens: u64,
    /// Layers.
    pub n_layers: u64,
    /// Heads that keys and values have.
    pub n_kv_heads: u64,
    /// Elements of one head's key.
    pub head_dim: u64,
    /// Elements of one head's value.
    pub head_dim_v: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// How keys of the first layer are stored.
    pub k_type: DType,
    /// How its values are.
    pub v_type: DType,
    /// Whether another layer's types are others.
    pub is_mixed: bool,
    /// Whether and what is rotated.
    pub flags: KvFlags,
    /// What it was saved with.
    pub fingerprint: Vec<u8>,
}

impl From<sys::infermem_kv_saved> for KvSaved {
    fn from(raw: sys::infermem_kv_saved) -> Self {
        Self {
            n_tokens: raw.n_tokens,
            n_layers: raw.n_layers,
            n_kv_heads: raw.n_kv_heads,
            head_dim: raw.head_dim,
            head_dim_v: raw.head_dim_v,
            file_bytes: raw.file_bytes,
            k_type: DType(raw.k_type),
            v_type: DType(raw.v_type),
            is_mixed: raw.is_mixed != 0,
            flags: KvFlags::from_bits(raw.flags),
            fingerprint: raw.fingerprint[..raw.n_fingerprint as usize].to_vec(),
        }
    }
}

handle! {
    /// The KV cache of one sequence. A step appends the same number of tokens to every layer and then advances.
    ///
    /// ```
    /// # use infermem::{AttendOptions, Kv, KvOptions};
    /// let mut cache = Kv::new(&KvOptions {
    ///     n_layers: 2, n_kv_heads: 1, head_dim: 64, max_tokens: 128, ..Default::default()
    /// })?;
    /// let (key, value, query, mut out) = ([0.5; 64], [2.0; 64], [1.0; 64], [0.0; 64]);
    /// for layer in 0..2 {
    ///     cache.append(layer, &key, &value, 1)?;
    ///     cache.attend(layer, &AttendOptions::default(), 0..1, &query, &mut out)?;
    /// }
    /// cache.advance(1)?;
    /// assert_eq!((cache.len(), out[0]), (1, 2.0));
    /// # Ok::<(), infermem::Error>(())
    /// ```
    ///
    /// What is stored in a tape does not outlive it:
    ///
    /// ```compile_fail,E0505
    /// # use infermem::{Kv, KvOptions, Tape, TapeOptions};
    /// # let tape = Tape::new(&TapeOptions { size: 1 << 20, ..Default::default() }).unwrap();
    /// let cache = Kv::new(&KvOptions { n_layers: 1, tape: tape.place(), ..Default::default() }).unwrap();
    /// drop(tape);
    /// cache.len();
    /// ```
    Kv<'t>, infermem_kv, kv_free
}

impl<'t> Kv<'t> {
    /// Makes an empty cache.
    pub fn new(options: &KvOptions<'t>) -> Result<Self> {
        let types = |what, types: &[DType]| match types.len() {
            0 => Ok(std::ptr::null()),
            n => length("kv_new", what, options.n_layers, n).map(|()| types.as_ptr().cast()),
        };
        let options = sys::infermem_kv_options {
            n_layers: options.n_layers,
            n_kv_heads: options.n_kv_heads,
            head_dim: options.head_dim,
            head_dim_v: options.head_dim_v,
            max_tokens: options.max_tokens,
            k_type: options.k_type.0,
            v_type: options.v_type.0,
            tape: options.tape.tape,
            k_types: types("k_types", &options.k_types)?,
            v_types: types("v_types", &options.v_types)?,
            growable: options.growable,
            flags: options.flags.bits(),
            ..Default::default()
        };
        // The tape outlives the cache; the types are read during the call.
        Self::made(|out| unsafe { sys::kv_new(&options, out) })
    }

    /// Stores the keys and values of the step's tokens in one layer, converted to the stored type. They are pending until
    /// `advance`.
    #[inline]
    pub fn append(&mut self, layer: usize, k: &[f32], v: &[f32], n_tokens: usize) -> Result<()> {
        let (n_k, n_v) = (k.len(), v.len());
        check(unsafe { sys::kv_append(self.as_ptr(), layer, k.as_ptr(), n_k, v.as_ptr(), n_v, n_tokens) })
    }

    /// The same from rows of F16.
    #[inline]
    pub fn append_f16(&mut self, layer: usize, k: &[u16], v: &[u16], n_tokens: usize) -> Result<()> {
        let (n_k, n_v) = (k.len(), v.len());
        check(unsafe { sys::kv_append_f16(self.as_ptr(), layer, k.as_ptr(), n_k, v.as_ptr(), n_v, n_tokens) })
    }

    /// The same from rows of BF16.
    #[inline]
    pub fn append_bf16(&mut self, layer: usize, k: &[u16], v: &[u16], n_tokens: usize) -> Result<()> {
        let (n_k, n_v) = (k.len(), v.len());
        check(unsafe { sys::kv_append_bf16(self.as_ptr(), layer, k.as_ptr(), n_k, v.as_ptr(), n_v, n_tokens) })
    }

    /// Ends a step: the n tokens pending in every layer become part of the length.
    #[inline]
    pub fn advance(&mut self, n: usize) -> Result<()> {
        check(unsafe { sys::kv_advance(self.as_ptr(), n) })
    }

    /// Drops what is pending in every layer.
    pub fn abort(&mut self) -> Result<()> {
        check(unsafe { sys::kv_abort(self.as_ptr()) })
    }

    /// Shortens the cache to its first n tokens, and drops what is pending.
    pub fn truncate(&mut self, n: usize) -> Result<()> {
        check(unsafe { sys::kv_truncate(self.as_ptr(), n) })
    }

    /// Empties the cache, and drops what is pending.
    pub fn clear(&mut self) -> Result<()> {
        check(unsafe { sys::kv_clear(self.as_ptr()) })
    }

    /// The same, and overwrites with zeros every byte that was ever written.
    pub fn clear_zero(&mut self) -> Result<()> {
        check(unsafe { sys::kv_clear_zero(self.as_ptr()) })
    }

    /// Keeps the first `sinks` and the last `recent` tokens, drops those between, and tells how many that were.
    pub fn keep(&mut self, sinks: usize, recent: usize) -> Result<usize> {
        filled(|out| unsafe { sys::kv_keep(self.as_ptr(), sinks, recent, out) })
    }

    /// Makes this cache hold copies of the first n tokens of another, and nothing else.
    pub fn copy_prefix(&mut self, from: &Kv<'_>, n: usize) -> Result<()> {
        check(unsafe { sys::kv_copy_prefix(self.as_ptr(), from.as_ptr(), n) })
    }

    /// Lets the cache hold more tokens, within what was reserved for it.
    pub fn grow(&mut self, max_tokens: usize) -> Result<()> {
        check(unsafe { sys::kv_grow(self.as_ptr(), max_tokens) })
    }

    /// Asks the processor to bring the beginning of a layer into its caches.
    pub fn prefetch(&self, layer: usize) -> Result<()> {
        check(unsafe { sys::kv_prefetch(self.as_ptr(), layer) })
    }

    /// The keys of one layer, [len, n_kv_heads * head_dim] of the stored type.
    #[inline]
    pub fn keys(&self, layer: usize) -> Result<View<'_>> {
        self.view(|out| unsafe { sys::kv_keys(self.as_ptr(), layer, out) })
    }

    /// The values of one layer, [len, n_kv_heads * head_dim_v] of the stored type.
    #[inline]
    pub fn values(&self, layer: usize) -> Result<View<'_>> {
        self.view(|out| unsafe { sys::kv_values(self.as_ptr(), layer, out) })
    }

    /// The keys with the tokens that are pending in this layer after those of the length.
    #[inline]
    pub fn keys_pending(&self, layer: usize) -> Result<View<'_>> {
        self.view(|out| unsafe { sys::kv_keys_pending(self.as_ptr(), layer, out) })
    }

    /// The values, likewise.
    #[inline]
    pub fn values_pending(&self, layer: usize) -> Result<View<'_>> {
        self.view(|out| unsafe { sys::kv_values_pending(self.as_ptr(), layer, out) })
    }

    /// The keys, those pending too, to be changed in place.
    pub fn keys_mut(&mut self, layer: usize) -> Result<ViewMut<'_>> {
        // The rows are the cache's, which nobody else uses meanwhile.
        filled(|out| unsafe { sys::kv_keys_mut(self.as_ptr(), layer, out) })
            .map(|raw| unsafe { ViewMut::from_raw(raw) })
    }

    /// The values, likewise.
    pub fn values_mut(&mut self, layer: usize) -> Result<ViewMut<'_>> {
        // As above.
        filled(|out| unsafe { sys::kv_values_mut(self.as_ptr(), layer, out) })
            .map(|raw| unsafe { ViewMut::from_raw(raw) })
    }

    #[inline]
    fn view(&self, call: impl FnOnce(*mut sys::infermem_view) -> i32) -> Result<View<'_>> {
        // The rows stay as they are until a call that takes the cache exclusively.
        filled(call).map(|raw| unsafe { View::from_raw(raw) })
    }

    /// Copies the rows of some tokens of one layer to floats, rotated back where the cache rotates.
    #[inline]
    pub fn read(&self, layer: usize, half: KvHalf, tokens: Range<usize>, out: &mut [f32]) -> Result<()> {
        let (first, n, n_out) = (tokens.start, tokens.len(), out.len());
        check(unsafe { sys::kv_read(self.as_ptr(), layer, half.number(), first, n, out.as_mut_ptr(), n_out) })
    }

    /// Tokens in the cache, those pending not counted.
    #[inline]
    pub fn len(&self) -> usize {
        unsafe { sys::kv_len(self.as_ptr()) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most tokens that the cache can hold, until it grows.
    pub fn max_tokens(&self) -> usize {
        unsafe { sys::kv_max(self.as_ptr()) }
    }

    /// The layers of the cache.
    pub fn layers(&self) -> usize {
        unsafe { sys::kv_layers(self.as_ptr()) }
    }

    /// The heads that keys and values have.
    pub fn heads(&self) -> usize {
        unsafe { sys::kv_heads(self.as_ptr()) }
    }

    /// Elements of a head.
    pub fn head_dim(&self, half: KvHalf) -> usize {
        unsafe { sys::kv_head_dim(self.as_ptr(), half.number()) }
    }

    /// How many times rows below the length went or moved otherwise than by truncation.
    pub fn generation(&self) -> u64 {
        unsafe { sys::kv_generation(self.as_ptr()) }
    }

    /// Elements from the beginning of one layer to that of the next; 0 where the layers' types differ.
    pub fn layer_stride(&self, half: KvHalf) -> usize {
        unsafe { sys::kv_layer_stride(self.as_ptr(), half.number()) }
    }

    /// Bytes of keys and values together.
    pub fn memory_bytes(&self) -> usize {
        unsafe { sys::kv_memory_bytes(self.as_ptr()) }
    }

    /// Bytes of address range that the cache holds.
    pub fn memory_reserved(&self) -> usize {
        unsafe { sys::kv_memory_reserved(self.as_ptr()) }
    }

    /// Bytes of the pages that tokens were ever written to.
    pub fn memory_committed(&self) -> usize {
        unsafe { sys::kv_memory_committed(self.as_ptr()) }
    }

    /// Attention over one layer, for the last tokens of the cache, those pending included.
    ///
    /// `heads` are those of keys and values to attend to; `q` is `[n_q_tokens][n_q_heads][head_dim]`, of all heads, and
    /// `out` `[n_q_tokens][n_q_heads][head_dim_v]`, of which those attended to are written.
    #[inline]
    pub fn attend(
        &self,
        layer: usize,
        options: &AttendOptions,
        heads: Range<usize>,
        q: &[f32],
        out: &mut [f32],
    ) -> Result<()> {
        // The output is this call's alone.
        unsafe { self.attend_to(layer, options, heads, q, out.as_mut_ptr(), out.len()) }
    }

    /// The same for callers who split the heads over their threads, into one output.
    ///
    /// # Safety
    ///
    /// There are `n_out` floats at `out`. Only of other heads does anybody use them meanwhile.
    #[inline]
    pub unsafe fn attend_to(
        &self,
        layer: usize,
        options: &AttendOptions,
        heads: Range<usize>,
        q: &[f32],
        out: *mut f32,
        n_out: usize,
    ) -> Result<()> {
        let (options, first, n) = (options.to_c(), heads.start, heads.len());
        check(unsafe { sys::kv_attend(self.as_ptr(), layer, &options, first, n, q.as_ptr(), q.len(), out, n_out) })
    }

    /// The same over a range of the tokens, as a part for [`attend_merge`]: `[n_q_tokens][n_q_heads][head_dim_v + 2]`.
    #[inline]
    pub fn attend_partial(
        &self,
        layer: usize,
        options: &AttendOptions,
        heads: Range<usize>,
        tokens: Range<usize>,
        q: &[f32],
        part: &mut [f32],
    ) -> Result<()> {
        let (options, first, n) = (options.to_c(), heads.start, heads.len());
        let (token, n_tokens, n_part) = (tokens.start, tokens.len(), part.len());
        check(unsafe {
            let (q, n_q, part) = (q.as_ptr(), q.len(), part.as_mut_ptr());
            sys::kv_attend_partial(self.as_ptr(), layer, &options, first, n, token, n_tokens, q, n_q, part, n_part)
        })
    }

    /// Writes the tokens of the length to a file, whole or not at all. The fingerprint is of the model, and may be empty.
    pub fn save(&self, path: impl AsRef<Path>, fingerprint: &[u8]) -> Result<()> {
        let path = c_path("kv_save", path.as_ref())?;
        let (bytes, n) = (fingerprint.as_ptr().cast(), fingerprint.len());
        check(unsafe { sys::kv_save(self.as_ptr(), path.as_ptr(), bytes, n) })
    }

    /// The same bytes, to a writer. What was written before a failure is of no use.
    pub fn save_to<W: Write>(&self, writer: W, fingerprint: &[u8]) -> Result<()> {
        let (bytes, n) = (fingerprint.as_ptr().cast(), fingerprint.len());
        // The writer is called during the call alone.
        Callback::during(writer, |context| unsafe {
            sys::kv_save_to(self.as_ptr(), Some(io::write::<W>), context, bytes, n)
        })
    }

    /// Makes the cache hold what was saved in a file, and nothing else.
    pub fn load(&mut self, path: impl AsRef<Path>, fingerprint: &[u8]) -> Result<()> {
        let path = c_path("kv_load", path.as_ref())?;
        let (bytes, n) = (fingerprint.as_ptr().cast(), fingerprint.len());
        check(unsafe { sys::kv_load(self.as_ptr(), path.as_ptr(), bytes, n) })
    }

    /// The same from a reader, which is asked for exactly the bytes that were saved.
    pub fn load_from<R: Read>(&mut self, reader: R, fingerprint: &[u8]) -> Result<()> {
        let (bytes, n) = (fingerprint.as_ptr().cast(), fingerprint.len());
        // The reader is called during the call alone.
        Callback::during(reader, |context| unsafe {
            sys::kv_load_from(self.as_ptr(), Some(io::read::<R>), context, bytes, n)
        })
    }

    /// Reads a saved cache from front to back without one to load it into: whether it is whole, and what it is of.
    pub fn verify(path: impl AsRef<Path>) -> Result<KvSaved> {
        let path = c_path("kv_verify", path.as_ref())?;
        filled(|out| unsafe { sys::kv_verify(path.as_ptr(), out) }).map(KvSaved::from)
    }

    /// Bytes that saving writes of the cache as it is.
    pub fn saved_bytes(&self) -> u64 {
        unsafe { sys::kv_saved_bytes(self.as_ptr()) }
    }
}

impl fmt::Debug for Kv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv").field("len", &self.len()).field("max_tokens", &self.max_tokens()).finish()
    }
}

/// Combines parts of [`Kv::attend_partial`] over different tokens, one after the other in `parts`, into the attention over
/// all of them: `n_rows` rows of `head_dim_v`.
pub fn attend_merge(parts: &[f32], n_parts: usize, n_rows: usize, head_dim_v: usize, out: &mut [f32]) -> Result<()> {
    let (n, n_out) = (parts.len(), out.len());
    check(unsafe { sys::kv_attend_merge(parts.as_ptr(), n, n_parts, n_rows, head_dim_v, out.as_mut_ptr(), n_out) })
}
