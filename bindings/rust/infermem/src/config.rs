//! The numbers of a model that its memory depends on, and what follows from them alone.

use crate::error::{check, filled, text, Result};
use crate::{sys, DType, PlanMode};

flags! {
    /// What is true of a model beyond its numbers.
    ConfigFlags {
        /// It keeps nothing of earlier tokens: it has no KV cache.
        ENCODER = INFERMEM_CONFIG_ENCODER,
        /// Of latent attention, what all heads have is stored, not the latent.
        MLA_EXPANDED = INFERMEM_CONFIG_MLA_EXPANDED,
        /// Each layer has both attention and a recurrent mixer.
        PARALLEL_MIXERS = INFERMEM_CONFIG_PARALLEL_MIXERS,
        /// The projections to q, k and v have biases.
        QKV_BIAS = INFERMEM_CONFIG_QKV_BIAS,
        /// All matrices of a layer have.
        BIAS = INFERMEM_CONFIG_BIAS,
        /// All norms have.
        NORM_BIAS = INFERMEM_CONFIG_NORM_BIAS,
        /// Queries and keys have a norm of a head's elements.
        QK_NORM = INFERMEM_CONFIG_QK_NORM,
        /// Of all heads' elements.
        QK_NORM_WIDE = INFERMEM_CONFIG_QK_NORM_WIDE,
        /// Norms also after attention and after the feed-forward part.
        POST_NORMS = INFERMEM_CONFIG_POST_NORMS,
        /// Attention and the feed-forward part share one norm.
        ONE_NORM = INFERMEM_CONFIG_ONE_NORM,
        /// The feed-forward part has two matrices, not three.
        UNGATED = INFERMEM_CONFIG_UNGATED,
        /// The projection to q has twice the rows: a gate for each.
        GATED_ATTENTION = INFERMEM_CONFIG_GATED_ATTENTION,
        /// There is an embedding of each position.
        POSITIONS = INFERMEM_CONFIG_POSITIONS,
    }
}

choices! {
    /// How sure a number is.
    Confidence: u32 {
        /// Said by the file, and nothing in it says otherwise.
        Exact = INFERMEM_CONFIDENCE_EXACT,
        /// By a formula, or by what is known of the architecture.
        Modelled = INFERMEM_CONFIDENCE_MODELLED,
        /// What the file says contradicts itself, or has to be guessed.
        Rough = INFERMEM_CONFIDENCE_ROUGH,
    }
}

choices! {
    /// What a layer keeps of earlier tokens.
    LayerKind: u32 {
        /// Keys and values of all tokens.
        Attention = INFERMEM_LAYER_ATTENTION,
        /// Keys and values of a window.
        Window = INFERMEM_LAYER_WINDOW,
        /// A latent of all tokens.
        Mla = INFERMEM_LAYER_MLA,
        /// A state.
        Recurrent = INFERMEM_LAYER_RECURRENT,
        /// A state, and keys and values of all tokens.
        Both = INFERMEM_LAYER_BOTH,
        /// Nothing.
        None = INFERMEM_LAYER_NONE,
    }
}

exchanged! {
    /// The numbers of a model that its memory depends on: from a file, or filled by hand. 0 means "not known" or "none", except
    /// where a field says otherwise.
    ///
    /// ```
    /// # use infermem::ModelConfig;
    /// let config = ModelConfig {
    ///     architecture: "llama".to_owned(), n_layers: 32, hidden: 4096, n_heads: 32, n_kv_heads: 8, head_dim_k: 128,
    ///     head_dim_v: 128, intermediate: 14336, vocab: 128256, ..Default::default()
    /// };
    /// config.validate()?;
    /// assert_eq!(config.estimate_kv(1)?, 4 * 32 * 8 * 256);
    /// # Ok::<(), infermem::Error>(())
    /// ```
    ModelConfig, infermem_model_config {
        /// "llama": printable ASCII, NUL-terminated.
        pub architecture: String,
        /// Transformer blocks; those that only predict further tokens (n_nextn) included.
        pub n_layers: u64,
        /// Elements of a token's embedding.
        pub hidden: u64,
        /// Query heads of a layer; 0 when no layer attends.
        pub n_heads: u64,
        /// Key and value heads of a layer; of a latent, 1.
        pub n_kv_heads: u64,
        /// Elements of a stored key head; 0 means hidden / n_heads.
        pub head_dim_k: u64,
        /// Elements of a stored value head; 0 means hidden / n_heads.
        pub head_dim_v: u64,
        /// Elements of the feed-forward layer's middle.
        pub intermediate: u64,
        /// Rows of the embedding.
        pub vocab: u64,
        /// Tokens that the model was trained for.
        pub context: u64,
        /// Elements of a head that are rotated.
        pub rope_dims: u64,
        /// Routed experts of a layer; 0 when it is dense.
        pub n_experts: u64,
        /// Experts that work on one token.
        pub n_experts_used: u64,
        /// Tokens of the window of windowed attention; 0 when there is none.
        pub sliding_window: u64,
        /// Whether the output uses the token embedding.
        pub tied_embeddings: bool,
        /// What is true of it beyond its numbers.
        pub flags: ConfigFlags,
        /// Base of the rotary frequencies.
        pub rope_theta: f64,
        /// Epsilon of the norms.
        pub norm_eps: f64,
        /// Elements of a routed expert's middle; 0 means intermediate.
        pub expert_intermediate: u64,
        /// Of all shared experts together; 0 means n_experts_shared * expert_intermediate.
        pub shared_intermediate: u64,
        /// Experts that work on every token.
        pub n_experts_shared: u64,
        /// Leading layers that have no experts.
        pub n_dense_layers: u64,
        /// Of the others, each layer i with (i + 1) divisible by it has experts; 0 means all.
        pub expert_interval: u64,
        /// Trailing layers that only predict further tokens.
        pub n_nextn: u64,
        /// Elements of the latent; 0: there is none.
        pub kv_lora_rank: u64,
        /// Elements that queries are projected from; 0: from hidden.
        pub q_lora_rank: u64,
        /// Elements of a key head before it is absorbed, the rotated ones included.
        pub head_dim_k_mla: u64,
        /// Elements of a value head before it is absorbed.
        pub head_dim_v_mla: u64,
        /// 0: as the architecture is known to have it, else all layers have the window; 1: none.
        pub window_interval: u64,
        /// The first layer that sees all tokens, counted from 1; 0 means window_interval.
        pub window_first: u64,
        /// Of layers with a window; 0 means n_kv_heads.
        pub n_kv_heads_window: u64,
        /// The same; 0 means head_dim_k.
        pub head_dim_k_window: u64,
        /// The same; 0 means head_dim_v.
        pub head_dim_v_window: u64,
        /// Trailing layers that use the keys and values of an earlier one.
        pub n_kv_shared_layers: u64,
        /// 0: as the architecture is known to have it.
        pub attention_interval: u64,
        /// The first layer that attends, counted from 1; 0 means attention_interval.
        pub attention_first: u64,
        /// Tokens that a convolution sees.
        pub conv_kernel: u64,
        /// Elements of the mixer's middle; 0 where the mixer is a convolution of hidden alone.
        pub ssm_inner: u64,
        /// Elements of state for each of them; of a gated delta net, of a key head.
        pub ssm_state: u64,
        /// Groups; of a gated delta net, key heads; 0: they share nothing (Mamba 1).
        pub ssm_groups: u64,
        /// Heads, or the rank of the time step of Mamba 1; of a gated delta net, value heads.
        pub ssm_heads: u64,
        /// Of RWKV, elements of a head; 0: it is none.
        pub wkv_head_dim: u64,
        /// Of RWKV, earlier embeddings kept.
        pub token_shifts: u64,
        /// Of weights where no tensors tell of them.
        pub weight_type: DType,
        /// Of layers' matrices that are quantized otherwise; 0: weight_type.
        pub weight_bits: u32,
        /// Elements that share a 16-bit scale and a zero of weight_bits; 0: a row.
        pub weight_group: u64,
        /// Of routed experts' matrices; F32, which is 0: as the others.
        pub expert_type: DType,
    }
}

told! {
    /// One layer of a model.
    ModelLayer, infermem_model_layer {
        /// What it keeps.
        pub kind: LayerKind,
        /// Of all but the bytes.
        pub confidence: Confidence,
        /// Query heads.
        pub n_heads: u64,
        /// Of latent attention, 1.
        pub n_kv_heads: u64,
        /// Of latent attention, kv_lora_rank and what is rotated.
        pub head_dim_k: u64,
        /// Of latent attention, 0: the values are part of the stored keys.
        pub head_dim_v: u64,
        /// Tokens; 0 means all.
        pub window: u64,
        /// The layer whose keys and values it uses; its own index where it has its own.
        pub kv_source: u64,
        /// Recurrent state of its convolution, elements of f32 a sequence.
        pub conv_elements: u64,
        /// The other recurrent state, likewise.
        pub state_elements: u64,
        /// Of the dense feed-forward part; 0 where there is none.
        pub intermediate: u64,
        /// Routed; 0 where there are none.
        pub n_experts: u64,
        /// For one token.
        pub n_experts_used: u64,
        /// Whether it only predicts further tokens.
        pub is_nextn: bool,
        /// Of the bytes.
        pub weights_confidence: Confidence,
        /// Of what mixes tokens: attention, latents, recurrent mixers.
        pub attention_bytes: u64,
        /// Of the dense feed-forward part.
        pub dense_bytes: u64,
        /// Of experts that work on every token.
        pub shared_expert_bytes: u64,
        /// Of all routed experts.
        pub routed_expert_bytes: u64,
        /// Of norms.
        pub norm_bytes: u64,
        /// The experts' router, and what else the layer has.
        pub other_bytes: u64,
    }
}

told! {
    /// The weights of a model.
    ModelWeights, infermem_model_weights {
        /// Of all tensors, without padding.
        pub total_bytes: u64,
        /// Of the token embedding.
        pub embedding_bytes: u64,
        /// Of the output's matrix; 0 when the embedding serves as it.
        pub output_bytes: u64,
        /// Of all layers.
        pub layer_bytes: u64,
        /// Of the largest of them.
        pub largest_layer_bytes: u64,
        /// The last norm, other embeddings, other parts than the language model's.
        pub other_bytes: u64,
        /// Parameters of all of it.
        pub elements: u64,
        /// How sure the bytes are.
        pub confidence: Confidence,
    }
}

impl ModelConfig {
    /// Whether it is one that can be computed with.
    pub fn validate(&self) -> Result<()> {
        check(unsafe { sys::infermem_config_validate(&self.to_c()) })
    }

    /// What a layer is by the configuration alone.
    pub fn layer(&self, index: u64) -> Result<ModelLayer> {
        filled(|out| unsafe { sys::infermem_config_layer(&self.to_c(), index, out) }).map(ModelLayer::from)
    }

    /// The weights by the configuration alone.
    pub fn weights(&self) -> Result<ModelWeights> {
        filled(|out| unsafe { sys::infermem_config_weights(&self.to_c(), out) }).map(ModelWeights::from)
    }

    /// The classic estimate in f32: the bytes of one layer's weights.
    pub fn estimate_layer(&self) -> Result<u64> {
        filled(|out| unsafe { sys::plan_estimate_layer(&self.to_c(), out) })
    }

    /// The classic estimate: the bytes of the KV cache of n tokens, in all layers.
    pub fn estimate_kv(&self, n_tokens: u64) -> Result<u64> {
        filled(|out| unsafe { sys::plan_estimate_kv(&self.to_c(), n_tokens, out) })
    }

    /// The classic estimate: the embedding, the last norm, all layers, and the KV cache of n tokens.
    pub fn estimate_full(&self, n_tokens: u64) -> Result<u64> {
        filled(|out| unsafe { sys::plan_estimate_full(&self.to_c(), n_tokens, out) })
    }

    /// The same with one layer's weights in place of all.
    pub fn estimate_streaming(&self, n_tokens: u64) -> Result<u64> {
        filled(|out| unsafe { sys::plan_estimate_streaming(&self.to_c(), n_tokens, out) })
    }

    /// The bytes of a copy of all matrices to prefill with: 1 byte an element with `fp8`, else 2.
    pub fn estimate_prefill_cache(&self, fp8: bool) -> Result<u64> {
        filled(|out| unsafe { sys::plan_estimate_prefill_cache(&self.to_c(), i32::from(fp8), out) })
    }

    /// Which mode so many free bytes allow, by the classic estimates.
    pub fn estimate_mode(&self, n_tokens: u64, free_bytes: u64) -> Result<PlanMode> {
        filled(|out| unsafe { sys::plan_estimate_mode(&self.to_c(), n_tokens, free_bytes, out) })
            .map(PlanMode::from_number)
    }

    /// Whether that mode is [`PlanMode::LayerStreaming`].
    pub fn should_stream(&self, n_tokens: u64, free_bytes: u64) -> Result<bool> {
        filled(|out| unsafe { sys::plan_should_stream(&self.to_c(), n_tokens, free_bytes, out) }).map(|yes| yes != 0)
    }

    /// That mode in words, with the numbers behind it.
    pub fn estimate_text(&self, n_tokens: u64, free_bytes: u64, total_bytes: u64) -> Result<String> {
        let config = self.to_c();
        text(|buffer, capacity, length| unsafe {
            sys::plan_estimate_text(&config, n_tokens, free_bytes, total_bytes, buffer, capacity, length)
        })
    }
}
