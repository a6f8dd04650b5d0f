//! Plans: will a model fit, and how, before a byte of it is loaded.

use crate::error::{check, filled, fixed, text, Result};
use crate::macros::{FromRaw, ToRaw};
use crate::{sys, Confidence, DType, Device, Kv, Layout, Model, ModelConfig, Place, Scratch};
use std::fmt;

choices! {
    /// How a model is run.
    PlanMode: i32 {
        /// All layers stay on the device.
        FullCache = INFERMEM_PLAN_FULL_CACHE,
        /// The first layers stay, the others pass through; or all but experts stay.
        Partial = INFERMEM_PLAN_PARTIAL,
        /// One layer is there at a time.
        LayerStreaming = INFERMEM_PLAN_LAYER_STREAMING,
        /// Nothing is on a device.
        Host = INFERMEM_PLAN_HOST,
        /// It does not fit.
        Insufficient = INFERMEM_PLAN_INSUFFICIENT,
    }
}

choices! {
    /// Whose sizes are planned.
    PlanProfile: u32 {
        /// This library's own objects'; the default.
        Plain = INFERMEM_PLAN_PLAIN,
        /// Those of runtimes in the manner of llama.cpp.
        Cells = INFERMEM_PLAN_CELLS,
        /// Those of runtimes in the manner of vLLM.
        Blocks = INFERMEM_PLAN_BLOCKS,
    }
}

flags! {
    /// What may be tried besides what was asked for. The default, no flag, stands for HOST_EXPERTS, SOME_LAYERS, ALL_LAYERS
    /// and HOST, which cost speed alone.
    PlanSteps {
        /// Nothing: to be given alone.
        NOTHING = INFERMEM_PLAN_STEP_NONE,
        /// Caches of Q8_0, then of Q4_0.
        QUANTIZE_KV = INFERMEM_PLAN_STEP_QUANTIZE_KV,
        /// Step 2 of the ladder.
        HOST_EXPERTS = INFERMEM_PLAN_STEP_HOST_EXPERTS,
        /// Step 3.
        SOME_LAYERS = INFERMEM_PLAN_STEP_SOME_LAYERS,
        /// Step 4.
        ALL_LAYERS = INFERMEM_PLAN_STEP_ALL_LAYERS,
        /// Step 5.
        HOST = INFERMEM_PLAN_STEP_HOST,
    }
}

flags! {
    /// Flags of a plan.
    PlanFlags {
        /// Attention writes its scores out.
        NO_FLASH_ATTENTION = INFERMEM_PLAN_NO_FLASH_ATTENTION,
        /// CELLS: the sequences share one stream of cells.
        UNIFIED_KV = INFERMEM_PLAN_UNIFIED_KV,
        /// CELLS: layers with a window keep all tokens.
        SWA_FULL = INFERMEM_PLAN_SWA_FULL,
        /// CELLS: they are stored in k_type and v_type, where these are block types; without it in F16 then, as by builds since April 2026.
        SWA_QUANTIZED = INFERMEM_PLAN_SWA_QUANTIZED,
        /// Layers that only predict further tokens are loaded too.
        NEXTN = INFERMEM_PLAN_NEXTN,
        /// Of layers that pass through, only the experts in use are copied.
        EXPERT_WISE = INFERMEM_PLAN_EXPERT_WISE,
        /// A copy of all matrices of resident layers to prefill with, 1 byte an element.
        DEQUANT_F8 = INFERMEM_PLAN_DEQUANT_F8,
        /// The same, 2 bytes an element.
        DEQUANT_F16 = INFERMEM_PLAN_DEQUANT_F16,
        /// Neither devices nor the host keep a margin.
        NO_MARGIN = INFERMEM_PLAN_NO_MARGIN,
    }
}

choices! {
    /// How a layer of latent attention is cached.
    PlanMla: u32 {
        /// As model_layer says.
        Model = INFERMEM_PLAN_MLA_MODEL,
        /// The latent vector and the rotated part, once: the values are absorbed.
        Latent = INFERMEM_PLAN_MLA_LATENT,
        /// And the latent vector again as values.
        LatentV = INFERMEM_PLAN_MLA_LATENT_V,
        /// Keys and values of every head.
        Full = INFERMEM_PLAN_MLA_FULL,
    }
}

flags! {
    /// Flags of a place.
    PlanDeviceFlags {
        /// It shares the host's memory: free_bytes is of the one pool.
        UNIFIED = INFERMEM_PLAN_DEVICE_UNIFIED,
        /// `free_bytes` was read after the driver's context was made.
        HAS_CONTEXT = INFERMEM_PLAN_DEVICE_HAS_CONTEXT,
    }
}

choices! {
    /// A kind of terms, up to `MarginLeft`, or a further number of a plan. The kinds, `TotalBytes`, `FreeBytes` and
    /// `ResidentLayers` are asked for of any place, the others of [`PlanPlace::All`] alone.
    PlanKey: u32 {
        /// Weights.
        Weights = INFERMEM_PLAN_WEIGHTS,
        /// The token embedding, where it is apart from the device's weights.
        HostEmbedding = INFERMEM_PLAN_HOST_EMBEDDING,
        /// Caches of layers that see all tokens.
        KvGlobal = INFERMEM_PLAN_KV_GLOBAL,
        /// Of those that see a window.
        KvWindow = INFERMEM_PLAN_KV_WINDOW,
        /// Recurrent state.
        Recurrent = INFERMEM_PLAN_RECURRENT,
        /// The buffers of a forward pass.
        Compute = INFERMEM_PLAN_COMPUTE,
        /// Logits for the caller, where they are no part of these.
        Output = INFERMEM_PLAN_OUTPUT,
        /// The slots that layers pass through.
        Staging = INFERMEM_PLAN_STAGING,
        /// The copy that `DEQUANT_F8` or `DEQUANT_F16` asks for.
        Dequant = INFERMEM_PLAN_DEQUANT,
        /// The driver's context.
        DriverContext = INFERMEM_PLAN_DRIVER_CONTEXT,
        /// What is left free.
        MarginLeft = INFERMEM_PLAN_MARGIN_LEFT,
        /// The sum of the terms.
        TotalBytes = INFERMEM_PLAN_TOTAL_BYTES,
        /// What is free there; of the host 0 where it is not known.
        FreeBytes = INFERMEM_PLAN_FREE_BYTES,
        /// Layers whose weights stay there, but for experts; of a refusal, those that would have fit.
        ResidentLayers = INFERMEM_PLAN_RESIDENT_LAYERS,
        /// Layers that are loaded.
        Layers = INFERMEM_PLAN_LAYERS,
        /// Layers that pass through.
        StreamedLayers = INFERMEM_PLAN_STREAMED_LAYERS,
        /// Layers whose routed experts are on the host, though they are not.
        HostExpertLayers = INFERMEM_PLAN_HOST_EXPERT_LAYERS,
        /// Tokens of a sequence, padded as the profile does.
        Context = INFERMEM_PLAN_CONTEXT,
        /// The most that fits with the same layers resident, the same caches and experts; of a refusal, the most that any allowed step would have fitted; 0: none.
        MaxContextFits = INFERMEM_PLAN_MAX_CONTEXT_FITS,
        /// What contexts are multiples of: 1, 16 or 256.
        ContextStep = INFERMEM_PLAN_CONTEXT_STEP,
        /// The type of keys, as chosen.
        KType = INFERMEM_PLAN_K_TYPE,
        /// That of values.
        VType = INFERMEM_PLAN_V_TYPE,
        /// The kind with the most bytes over all places.
        LargestTerm = INFERMEM_PLAN_LARGEST_TERM,
        /// Weights of the largest layer: the size of a slot.
        LargestLayerBytes = INFERMEM_PLAN_LARGEST_LAYER_BYTES,
        /// Slots on each device that layers pass through; 0 where none do.
        Slots = INFERMEM_PLAN_SLOTS,
        /// A [`StreamSource`].
        StreamSource = INFERMEM_PLAN_STREAM_SOURCE,
        /// Bytes that pass through in one pass over the model: for one token, in decoding.
        StreamBytes = INFERMEM_PLAN_STREAM_BYTES,
        /// The most tokens in 1000 seconds that this allows; 0: no limit, or not known.
        MilliTokens = INFERMEM_PLAN_MILLI_TOKENS,
        /// What would have to be free on the largest device, the others as they are, for step 1 as asked; without devices, on the host; 0: it cannot be had so.
        FullNeedsBytes = INFERMEM_PLAN_FULL_NEEDS_BYTES,
        /// The same for any of the allowed steps.
        NeedsBytes = INFERMEM_PLAN_NEEDS_BYTES,
        /// [`PlanNotes`].
        Notes = INFERMEM_PLAN_NOTES,
    }
}

choices! {
    /// Where layers that pass through come from.
    StreamSource: u32 {
        /// None do.
        None = INFERMEM_PLAN_SOURCE_NONE,
        /// They are kept in the host's memory, where they count as weights.
        Host = INFERMEM_PLAN_SOURCE_HOST,
        /// They are read from the file each time: the host's memory is not enough, or not known.
        File = INFERMEM_PLAN_SOURCE_FILE,
    }
}

flags! {
    /// What is to be known of a plan besides its numbers.
    PlanNotes {
        /// Neither the options nor the model say a context: 4096 tokens.
        CONTEXT_GUESSED = INFERMEM_PLAN_NOTE_CONTEXT_GUESSED,
        /// It is longer than the model was trained for.
        CONTEXT_BEYOND = INFERMEM_PLAN_NOTE_CONTEXT_BEYOND,
        /// It is shorter than what was asked for.
        CONTEXT_SHORTENED = INFERMEM_PLAN_NOTE_CONTEXT_SHORTENED,
        /// Caches are of other types than what was asked for.
        KV_QUANTIZED = INFERMEM_PLAN_NOTE_KV_QUANTIZED,
        /// The runtimes of this profile vary much in compute here: experts on the host, layers that pass through, MLA, several devices.
        ROUGH_COMPUTE = INFERMEM_PLAN_NOTE_ROUGH_COMPUTE,
        /// Nothing was checked against the host's memory.
        HOST_UNKNOWN = INFERMEM_PLAN_NOTE_HOST_UNKNOWN,
        /// Caches of windows are F16, not of the block type asked for.
        WINDOW_F16 = INFERMEM_PLAN_NOTE_WINDOW_F16,
        /// The model has layers that only predict further tokens.
        NEXTN_LEFT_OUT = INFERMEM_PLAN_NOTE_NEXTN_LEFT_OUT,
        /// It is the host's memory that step 1 lacks.
        HOST_LACKS = INFERMEM_PLAN_NOTE_HOST_LACKS,
    }
}

choices! {
    /// What a change would lead to.
    AdviceCode: u32 {
        /// A context of `value` tokens.
        Context = INFERMEM_PLAN_ADVICE_CONTEXT,
        /// Caches of type `value`.
        KvType = INFERMEM_PLAN_ADVICE_KV_TYPE,
        /// `value` bytes free on the largest device, or without devices on the host.
        Memory = INFERMEM_PLAN_ADVICE_MEMORY,
        /// A model of `value` of these layers.
        Layers = INFERMEM_PLAN_ADVICE_LAYERS,
        /// The step `value`, an `STEP_*`, allowed.
        Allow = INFERMEM_PLAN_ADVICE_ALLOW,
        /// More host memory: `value` bytes.
        HostMemory = INFERMEM_PLAN_ADVICE_HOST_MEMORY,
        /// Weights of `value` bytes at most, in all: stronger quantization.
        Weights = INFERMEM_PLAN_ADVICE_WEIGHTS,
    }
}

/// A place of a plan's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PlanPlace {
    /// A device, by its index in what the plan was made of.
    Device(u32),
    /// The host's memory.
    Host,
    /// All places together.
    #[default]
    All,
}

impl FromRaw<u32> for PlanPlace {
    fn from_raw(raw: u32) -> Self {
        match raw {
            sys::INFERMEM_PLAN_PLACE_HOST => Self::Host,
            sys::INFERMEM_PLAN_PLACE_ALL => Self::All,
            device => Self::Device(device),
        }
    }
}

impl ToRaw<u32> for PlanPlace {
    fn to_raw(&self) -> u32 {
        match self {
            Self::Device(index) => *index,
            Self::Host => sys::INFERMEM_PLAN_PLACE_HOST,
            Self::All => sys::INFERMEM_PLAN_PLACE_ALL,
        }
    }
}

exchanged! {
    /// Where a model may go.
    PlanDevice, infermem_plan_device {
        /// For texts; "" stands for "device 0", ….
        pub name: String,
        /// For texts; 0 when not known.
        pub total_bytes: u64,
        /// More than 0: what is not known cannot be planned with.
        pub free_bytes: u64,
        /// From the host's memory to the device; 0 means the options'.
        pub link_bytes_per_s: u64,
        /// What it is like.
        pub flags: PlanDeviceFlags,
    }
}

asked! {
    /// What is asked for.
    PlanOptions, infermem_plan_options {
        /// Tokens of a sequence; 0 means the model's, and 4096 where it does not say.
        pub context: u64,
        /// What it may be shortened to; 0 means that it may not.
        pub min_context: u64,
        /// 0 means 1.
        pub n_sequences: u64,
        /// Tokens computed at once; 0 means 512; no more than n_sequences * context count.
        pub ubatch: u64,
        /// Tokens of these that have logits; 0 means all.
        pub n_outputs_max: u64,
        /// Further copies of each sequence's recurrent state, as speculation takes them.
        pub n_snapshots: u64,
        /// What this process can have of the host's memory; 0 means that it is not known.
        pub host_bytes: u64,
        /// Of it to be left free; 0 means `HOST_MARGIN`.
        pub host_margin_bytes: u64,
        /// To be left free on each device; 0 means `MARGIN`.
        pub margin_bytes: u64,
        /// Of each device's context; 0 means `DRIVER`.
        pub driver_bytes: u64,
        /// From the host's memory to a device; 0 means `PCIE4`.
        pub link_bytes_per_s: u64,
        /// Reading the model's file; 0 means that it is not known.
        pub file_bytes_per_s: u64,
        /// Of free_bytes to be left free on each device, where that is more; from 0 to below 1. Of a device that shares the host's memory at least a quarter is, and margin_bytes only where it is given.
        pub margin_fraction: f64,
        /// How keys are stored.
        pub k_type: DType,
        /// How values are stored. I8 stands for 8-bit floats, too.
        pub v_type: DType,
        /// Whose sizes are planned.
        pub profile: PlanProfile,
        /// What is planned otherwise than usual.
        pub flags: PlanFlags,
        /// What may be tried.
        pub steps: PlanSteps,
        /// 2 to 4; 0 means 2.
        pub slots: u32,
        /// How layers of latent attention are cached.
        pub mla: PlanMla,
    }
}

told! {
    /// What becomes of one layer.
    PlanLayer, infermem_plan_layer_facts {
        /// Where it is computed and its cache lies.
        pub place: PlanPlace,
        /// Whether its weights stay there; else they pass through, or the layer is not loaded.
        pub is_resident: bool,
        /// Where this is false it only predicts further tokens, which was not asked for.
        pub is_loaded: bool,
        /// Whether its routed experts are on the host though the layer is on a device.
        pub host_experts: bool,
        /// Of all its weights.
        pub weight_bytes: u64,
        /// Of its cache, of all sequences.
        pub kv_bytes: u64,
        /// Of its state, of all sequences.
        pub recurrent_bytes: u64,
        /// Its layer in the cache that [`Plan::build_kv`] makes; `u64::MAX` where it has none.
        pub kv_index: u64,
    }
}

exchanged! {
    /// Something that was measured, and what was planned for it.
    PlanMeasure, infermem_plan_measure {
        /// Of what: a kind, or [`PlanKey::TotalBytes`], without the margin.
        pub kind: PlanKey,
        /// Where.
        pub place: PlanPlace,
        /// What was measured.
        pub measured_bytes: u64,
        /// What was planned: filled by [`Plan::audit`].
        pub predicted_bytes: u64,
        /// How far off that was, of what was measured: filled likewise; `u64::MAX` where only measured is 0.
        pub per_million: u64,
    }
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlanTerm {
    /// Of what.
    pub kind: PlanKey,
    /// Where.
    pub place: PlanPlace,
    /// More than 0.
    pub bytes: u64,
    /// How sure they are.
    pub confidence: Confidence,
    /// Of the kind, "weights".
    pub name: &'static str,
    /// Where the bytes are from, in words.
    pub formula: &'static str,
}

/// A change, and the mode that it would lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanAdvice {
    /// What to change.
    pub code: AdviceCode,
    /// What it leads to.
    pub mode: PlanMode,
    /// To what.
    pub value: u64,
}

impl PlanMode {
    /// It in words.
    pub fn text(self) -> &'static str {
        // The function takes any number, and what it gives is static.
        unsafe { fixed(sys::plan_mode_text(self.number())) }
    }
}

impl PlanDevice {
    /// Of what a probe found. Where free memory is not known `free_bytes` is 0, to be replaced.
    pub fn from_device(device: &Device) -> Result<Self> {
        filled(|out| unsafe { sys::plan_device_from(&device.to_c(), out) }).map(Self::from)
    }
}

handle! {
    /// A plan. It never changes.
    ///
    /// ```
    /// # use infermem::{ModelConfig, Plan, PlanDevice, PlanKey, PlanMode, PlanOptions, PlanPlace};
    /// # let config = ModelConfig {
    /// #     architecture: "llama".to_owned(), n_layers: 32, hidden: 4096, n_heads: 32, n_kv_heads: 8, head_dim_k: 128,
    /// #     head_dim_v: 128, intermediate: 14336, vocab: 128256, ..Default::default()
    /// # };
    /// let device = PlanDevice { free_bytes: 80 << 30, ..Default::default() };
    /// let plan = Plan::of_config(&config, &[device], &PlanOptions { context: 8192, ..Default::default() })?;
    /// assert_eq!(plan.mode(), PlanMode::FullCache);
    /// let total: u64 = plan.terms().map(|term| term.bytes).sum();
    /// assert_eq!(plan.query(PlanKey::TotalBytes, PlanPlace::All)?, total);
    /// println!("{}", plan.text(false)?);
    /// # Ok::<(), infermem::Error>(())
    /// ```
    Plan, infermem_plan, plan_free
}

impl Plan {
    /// Plans a model. That nothing fits is no error but the mode [`PlanMode::Insufficient`].
    pub fn of_model(model: &Model, devices: &[PlanDevice], options: &PlanOptions) -> Result<Self> {
        Self::make(model.as_ptr(), std::ptr::null(), devices, options)
    }

    /// Plans a model of which only the numbers are known.
    pub fn of_config(config: &ModelConfig, devices: &[PlanDevice], options: &PlanOptions) -> Result<Self> {
        Self::make(std::ptr::null(), &config.to_c(), devices, options)
    }

    fn make(
        model: *const sys::infermem_model,
        config: *const sys::infermem_model_config,
        devices: &[PlanDevice],
        options: &PlanOptions,
    ) -> Result<Self> {
        let devices: Vec<_> = devices.iter().map(PlanDevice::to_c).collect();
        let (list, n, options) = (devices.as_ptr(), devices.len(), options.to_c());
        // All are read during the call.
        Self::made(|out| unsafe { sys::plan_new(model, config, list, n, &options, out) })
    }

    /// The mode.
    pub fn mode(&self) -> PlanMode {
        PlanMode::from_number(unsafe { sys::plan_mode(self.as_ptr()) })
    }

    /// A number of the plan's.
    pub fn query(&self, key: PlanKey, place: PlanPlace) -> Result<u64> {
        filled(|out| unsafe { sys::plan_query(self.as_ptr(), key.number(), place.to_raw(), out) })
    }

    /// What is to be known of it besides its numbers.
    pub fn notes(&self) -> Result<PlanNotes> {
        self.query(PlanKey::Notes, PlanPlace::All).map(|notes| PlanNotes::from_bits(notes as u32))
    }

    /// The terms, in the order of their kinds.
    pub fn terms(&self) -> impl Iterator<Item = PlanTerm> + '_ {
        (0..unsafe { sys::plan_term_count(self.as_ptr()) }).filter_map(|i| self.term(i).ok())
    }

    /// One of them.
    pub fn term(&self, index: usize) -> Result<PlanTerm> {
        let raw = filled(|out| unsafe { sys::plan_term(self.as_ptr(), index, out) })?;
        // The texts are static.
        let (name, formula) = unsafe { (fixed(raw.name), fixed(raw.formula)) };
        Ok(PlanTerm {
            kind: PlanKey::from_number(raw.kind),
            place: FromRaw::from_raw(raw.place),
            bytes: raw.bytes,
            confidence: Confidence::from_number(raw.confidence),
            name,
            formula,
        })
    }

    /// What becomes of a layer.
    pub fn layer(&self, index: u64) -> Result<PlanLayer> {
        filled(|out| unsafe { sys::plan_layer(self.as_ptr(), index, out) }).map(PlanLayer::from)
    }

    /// What becomes of all layers of the model.
    pub fn layers(&self) -> impl Iterator<Item = PlanLayer> + '_ {
        (0..).map_while(|i| self.layer(i).ok())
    }

    /// Changes that would do, each by itself.
    pub fn advice(&self) -> impl Iterator<Item = PlanAdvice> + '_ {
        let n = unsafe { sys::plan_advice_count(self.as_ptr()) };
        (0..n).filter_map(|i| {
            let raw = filled(|out| unsafe { sys::plan_advice(self.as_ptr(), i, out) }).ok()?;
            Some(PlanAdvice {
                code: AdviceCode::from_number(raw.code),
                mode: PlanMode::from_number(raw.mode),
                value: raw.value,
            })
        })
    }

    /// The plan as a table for people, in ASCII, or with bars of block characters.
    pub fn text(&self, utf8: bool) -> Result<String> {
        let flags = if utf8 { sys::INFERMEM_PLAN_TEXT_UTF8 } else { 0 };
        text(|buffer, capacity, length| unsafe { sys::plan_text(self.as_ptr(), flags, buffer, capacity, length) })
    }

    /// The plan as one JSON object.
    pub fn json(&self) -> Result<String> {
        text(|buffer, capacity, length| unsafe { sys::plan_json(self.as_ptr(), buffer, capacity, length) })
    }

    /// Makes a layout for what the plan puts into the host's memory.
    pub fn build_layout(&self) -> Result<Layout> {
        Layout::made(|out| unsafe { sys::plan_build_layout(self.as_ptr(), out) })
    }

    /// Makes the cache of one sequence, stored where it is said.
    pub fn build_kv<'t>(&self, place: Place<'t>) -> Result<Kv<'t>> {
        // The tape outlives the cache.
        Kv::made(|out| unsafe { sys::plan_build_kv(self.as_ptr(), place.tape, out) })
    }

    /// Makes the buffers of one pass, stored where it is said.
    pub fn build_scratch<'t>(&self, place: Place<'t>) -> Result<Scratch<'t>> {
        // The tape outlives the buffers.
        Scratch::made(|out| unsafe { sys::plan_build_scratch(self.as_ptr(), place.tape, out) })
    }

    /// Sets `predicted_bytes` and `per_million` of each measure.
    pub fn audit(&self, measures: &mut [PlanMeasure]) -> Result<()> {
        let mut raw: Vec<_> = measures.iter().map(PlanMeasure::to_c).collect();
        check(unsafe { sys::plan_audit(self.as_ptr(), raw.as_mut_ptr(), raw.len()) })?;
        for (measure, raw) in measures.iter_mut().zip(raw) {
            *measure = raw.into();
        }
        Ok(())
    }

    /// The same as a table for people.
    pub fn audit_text(&self, measures: &[PlanMeasure]) -> Result<String> {
        let raw: Vec<_> = measures.iter().map(PlanMeasure::to_c).collect();
        text(|buffer, capacity, length| unsafe {
            sys::plan_audit_text(self.as_ptr(), raw.as_ptr(), raw.len(), buffer, capacity, length)
        })
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("mode", &self.mode()).finish_non_exhaustive()
    }
}
