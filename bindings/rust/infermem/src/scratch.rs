//! The buffers of one forward pass, and plans of any buffers that share memory.

use crate::error::{check, filled, Error, Result};
use crate::{sys, Code, ModelConfig, Place, View};
use std::fmt;

choices! {
    /// A buffer of a forward pass.
    ScratchBuffer: i32 {
        /// The stream that the layers add to.
        Hidden = INFERMEM_SCRATCH_HIDDEN,
        /// What a norm makes of it.
        Normed = INFERMEM_SCRATCH_NORMED,
        /// A fused projection.
        Qkv = INFERMEM_SCRATCH_QKV,
        /// Queries.
        Q = INFERMEM_SCRATCH_Q,
        /// Keys.
        K = INFERMEM_SCRATCH_K,
        /// Values.
        V = INFERMEM_SCRATCH_V,
        /// Attention, before its projection.
        AttnOut = INFERMEM_SCRATCH_ATTN_OUT,
        /// And after it.
        AttnProj = INFERMEM_SCRATCH_ATTN_PROJ,
        /// The feed-forward part.
        FfnUp = INFERMEM_SCRATCH_FFN_UP,
        /// Its gate.
        FfnGate = INFERMEM_SCRATCH_FFN_GATE,
        /// What comes of it.
        FfnDown = INFERMEM_SCRATCH_FFN_DOWN,
        /// The logits.
        Logits = INFERMEM_SCRATCH_LOGITS,
        /// Values, repeated for each query head; with EXPAND_V.
        ExpandedV = INFERMEM_SCRATCH_EXPANDED_V,
        /// Of 8-bit activations in blocks of 32; with Q8.
        Q8Scales = INFERMEM_SCRATCH_Q8_SCALES,
        /// Their levels, 8-bit integers.
        Q8Quants = INFERMEM_SCRATCH_Q8_QUANTS,
        /// In blocks of 256, of what is as long as hidden, or the queries.
        Q8kHiddenScales = INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES,
        /// Their levels, 8-bit integers.
        Q8kHiddenQuants = INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS,
        /// And of what is as long as the feed-forward part's middle.
        Q8kInterScales = INFERMEM_SCRATCH_Q8K_INTER_SCALES,
        /// Their levels, 8-bit integers.
        Q8kInterQuants = INFERMEM_SCRATCH_Q8K_INTER_QUANTS,
    }
}

choices! {
    /// The rows that `quantize_q8k` writes.
    Q8kRows: i32 {
        /// Those as long as hidden, or the queries.
        Hidden = INFERMEM_SCRATCH_Q8K_HIDDEN,
        /// Those as long as the feed-forward part's middle.
        Inter = INFERMEM_SCRATCH_Q8K_INTER,
    }
}

flags! {
    /// Flags of a scratch.
    ScratchFlags {
        /// Buffers that are not in use at the same time share memory.
        OVERLAP = INFERMEM_SCRATCH_OVERLAP,
        /// `Q8Scales` and `Q8Quants`, too.
        Q8 = INFERMEM_SCRATCH_Q8,
        /// `ExpandedV`, too.
        EXPAND_V = INFERMEM_SCRATCH_EXPAND_V,
    }
}

/// How a scratch is made.
#[derive(Clone, Debug, Default)]
pub struct ScratchOptions<'t> {
    /// Tokens of a pass; 0 means 1.
    pub batch: usize,
    /// What it has.
    pub flags: ScratchFlags,
    /// Where it is stored.
    pub tape: Place<'t>,
}

handle! {
    /// The buffers of one forward pass, sized from the model's configuration.
    ///
    /// ```
    /// # use infermem::{ModelConfig, Scratch, ScratchBuffer, ScratchOptions};
    /// # let config = ModelConfig {
    /// #     architecture: "llama".to_owned(), n_layers: 1, hidden: 64, n_heads: 2, n_kv_heads: 1, head_dim_k: 32,
    /// #     head_dim_v: 32, intermediate: 128, vocab: 100, ..Default::default()
    /// # };
    /// let mut scratch = Scratch::new(&config, &ScratchOptions::default())?;
    /// let [hidden, normed] = scratch.several_mut([ScratchBuffer::Hidden, ScratchBuffer::Normed])?;
    /// hidden.fill(2.0);
    /// normed.copy_from_slice(hidden);
    /// assert_eq!(scratch.get(ScratchBuffer::Normed)?, [2.0; 64]);
    /// # Ok::<(), infermem::Error>(())
    /// ```
    Scratch<'t>, infermem_scratch, scratch_free
}

impl<'t> Scratch<'t> {
    /// Makes the buffers, all zero.
    pub fn new(config: &ModelConfig, options: &ScratchOptions<'t>) -> Result<Self> {
        let options = sys::infermem_scratch_options {
            batch: options.batch,
            flags: options.flags.bits(),
            tape: options.tape.tape,
            ..Default::default()
        };
        // The tape outlives the buffers.
        Self::made(|out| unsafe { sys::scratch_new(&config.to_c(), &options, out) })
    }

    #[inline]
    fn floats(&self, which: ScratchBuffer) -> Result<(*mut f32, usize)> {
        let (mut out, mut n) = (std::ptr::null_mut(), 0);
        check(unsafe { sys::scratch_f32(self.as_ptr(), which.number(), &mut out, &mut n) })?;
        Ok((out, n))
    }

    fn integers(&self, which: ScratchBuffer) -> Result<(*mut i8, usize)> {
        let (mut out, mut n) = (std::ptr::null_mut(), 0);
        check(unsafe { sys::scratch_i8(self.as_ptr(), which.number(), &mut out, &mut n) })?;
        Ok((out, n))
    }

    /// A buffer of floats, all rows of the batch together.
    #[inline]
    pub fn get(&self, which: ScratchBuffer) -> Result<&[f32]> {
        // Nobody writes to it before a call that takes the scratch exclusively.
        self.floats(which).map(|(data, n)| unsafe { std::slice::from_raw_parts(data, n) })
    }

    /// The same, to be written to.
    #[inline]
    pub fn get_mut(&mut self, which: ScratchBuffer) -> Result<&mut [f32]> {
        // Nobody else has the scratch meanwhile.
        self.floats(which).map(|(data, n)| unsafe { std::slice::from_raw_parts_mut(data, n) })
    }

    /// Several buffers of floats at once. Two that share memory, or are the same, are [`Code::Arg`].
    #[inline]
    pub fn several_mut<const N: usize>(&mut self, which: [ScratchBuffer; N]) -> Result<[&mut [f32]; N]> {
        let mut found = [(std::ptr::null_mut::<f32>(), 0); N];
        for i in 0..N {
            found[i] = self.floats(which[i])?;
            let begin = found[i].0 as usize;
            let end = begin + 4 * found[i].1;
            let meets = |other: &(*mut f32, usize)| begin < other.0 as usize + 4 * other.1 && (other.0 as usize) < end;
            if let Some(j) = found[..i].iter().position(meets) {
                let message = format!("{:?} and {:?} share memory", which[j], which[i]);
                return Err(Error::here(Code::Arg, "scratch_f32", j as u64, i as u64, message));
            }
        }
        // They are apart, and nobody else has the scratch meanwhile.
        Ok(found.map(|(data, n)| unsafe { std::slice::from_raw_parts_mut(data, n) }))
    }

    /// A buffer of 8-bit integers.
    pub fn get_i8(&self, which: ScratchBuffer) -> Result<&[i8]> {
        // As `get`.
        self.integers(which).map(|(data, n)| unsafe { std::slice::from_raw_parts(data, n) })
    }

    /// The same, to be written to.
    pub fn get_i8_mut(&mut self, which: ScratchBuffer) -> Result<&mut [i8]> {
        // As `get_mut`.
        self.integers(which).map(|(data, n)| unsafe { std::slice::from_raw_parts_mut(data, n) })
    }

    /// Any buffer as a view, [batch, elements of a token].
    pub fn view(&self, which: ScratchBuffer) -> Result<View<'_>> {
        // As `get`.
        filled(|out| unsafe { sys::scratch_view(self.as_ptr(), which.number(), out) })
            .map(|raw| unsafe { View::from_raw(raw) })
    }

    /// Makes `Hidden` and `Normed` zero.
    pub fn reset(&mut self) -> Result<()> {
        check(unsafe { sys::scratch_reset(self.as_ptr()) })
    }

    /// Makes all buffers zero.
    pub fn reset_all(&mut self) -> Result<()> {
        check(unsafe { sys::scratch_reset_all(self.as_ptr()) })
    }

    /// Bytes of memory that the buffers take.
    pub fn total_bytes(&self) -> usize {
        unsafe { sys::scratch_total_bytes(self.as_ptr()) }
    }

    /// Bytes that they would take if none shared memory.
    pub fn separate_bytes(&self) -> usize {
        unsafe { sys::scratch_separate_bytes(self.as_ptr()) }
    }

    /// Quantizes one token's floats to 8 bits, in blocks of 256.
    pub fn quantize_q8k(&mut self, to: Q8kRows, row: usize, values: &[f32]) -> Result<()> {
        let (values, n) = (values.as_ptr(), values.len());
        check(unsafe { sys::scratch_quantize_q8k(self.as_ptr(), to.number(), row, values, n) })
    }

    /// The same of that token's row of a buffer.
    pub fn quantize_q8k_of(&mut self, to: Q8kRows, row: usize, from: ScratchBuffer) -> Result<()> {
        let (values, n) = self.row_of(from, row)?;
        // The row is there.
        check(unsafe { sys::scratch_quantize_q8k(self.as_ptr(), to.number(), row, values, n) })
    }

    /// Quantizes one token's floats to 8 bits, in blocks of 32.
    pub fn quantize_q8(&mut self, row: usize, values: &[f32]) -> Result<()> {
        check(unsafe { sys::scratch_quantize_q8(self.as_ptr(), row, values.as_ptr(), values.len()) })
    }

    /// The same of that token's row of a buffer.
    pub fn quantize_q8_of(&mut self, row: usize, from: ScratchBuffer) -> Result<()> {
        let (values, n) = self.row_of(from, row)?;
        // As above.
        check(unsafe { sys::scratch_quantize_q8(self.as_ptr(), row, values, n) })
    }

    fn row_of(&self, which: ScratchBuffer, row: usize) -> Result<(*const f32, usize)> {
        self.floats(which)?; // or it is one of integers
        let view = self.view(which)?;
        let floats = view.row::<f32>(row).ok_or_else(|| {
            let n = view.shape()[0];
            Error::here(Code::Range, "scratch_view", n, row as u64, format!("there is no row {row} in {n} of them"))
        })?;
        Ok((floats.as_ptr(), floats.len()))
    }
}

impl fmt::Debug for Scratch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("total_bytes", &self.total_bytes()).finish()
    }
}

/// When a buffer of a plan is in use: both uses, and all steps between them, included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// 0 is allowed, and takes nothing.
    pub bytes: u64,
    /// A step, of any numbering that ascends with time.
    pub first_use: u64,
    /// A later one, or the same.
    pub last_use: u64,
}

handle! {
    /// Where the buffers of any graph go, in one piece of memory.
    ///
    /// ```
    /// # use infermem::{Lifetime, ScratchPlan};
    /// let apart = |first_use| Lifetime { bytes: 1024, first_use, last_use: first_use };
    /// let plan = ScratchPlan::new(&[apart(0), apart(1)], 64)?;
    /// assert_eq!((plan.offsets()?, plan.total_bytes()), (&[0, 0][..], 1024));
    /// # Ok::<(), infermem::Error>(())
    /// ```
    ScratchPlan, infermem_scratch_plan, scratch_plan_free
}

impl ScratchPlan {
    /// Finds offsets such that buffers in use at the same step do not overlap; each is a multiple of `align`, where 0
    /// means 64.
    pub fn new(lifetimes: &[Lifetime], align: u64) -> Result<Self> {
        let raw = |l: &Lifetime| sys::infermem_scratch_lifetime {
            bytes: l.bytes,
            first_use: l.first_use,
            last_use: l.last_use,
        };
        let lifetimes: Vec<_> = lifetimes.iter().map(raw).collect();
        let options = sys::infermem_scratch_plan_options { align, ..Default::default() };
        Self::made(|out| unsafe { sys::scratch_plan_new(lifetimes.as_ptr(), lifetimes.len(), &options, out) })
    }

    /// The offsets in bytes, in the order of the lifetimes.
    pub fn offsets(&self) -> Result<&[u64]> {
        let (mut out, mut n) = (std::ptr::null(), 0);
        check(unsafe { sys::scratch_plan_offsets(self.as_ptr(), &mut out, &mut n) })?;
        if n == 0 {
            return Ok(&[]);
        }
        // They live as long as the plan.
        Ok(unsafe { std::slice::from_raw_parts(out, n) })
    }

    /// Bytes of the piece of memory.
    pub fn total_bytes(&self) -> u64 {
        unsafe { sys::scratch_plan_total_bytes(self.as_ptr()) }
    }

    /// Bytes that the buffers take one after the other.
    pub fn separate_bytes(&self) -> u64 {
        unsafe { sys::scratch_plan_separate_bytes(self.as_ptr()) }
    }
}

impl fmt::Debug for ScratchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScratchPlan").field("total_bytes", &self.total_bytes()).finish()
    }
}
