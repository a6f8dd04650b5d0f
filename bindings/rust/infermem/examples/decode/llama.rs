//! A Llama model held in infermem's memory, and its forward pass.
//!
//! Weights live in the weights tape, the buffers of a pass in the scratch tape, the KV cache in the history tape. Products
//! with weights and attention are the library's; the rest is straightforward Rust.

use infermem::{
    AttendOptions, DType, Kv, Model, ModelConfig, NeuronOptions, Neurons, Plan, Quant, QuantOptions, Result, TapeRef,
    Tapes,
};

struct Layer<'a> {
    attention_norm: &'a [f32],
    ffn_norm: &'a [f32],
    q: Quant<'a>,
    k: Quant<'a>,
    v: Quant<'a>,
    o: Quant<'a>,
    gate: Quant<'a>,
    up: Quant<'a>,
    down: Quant<'a>,
}

pub struct Llama<'a> {
    pub config: ModelConfig,
    pub kv: Kv<'a>,
    pub neurons: Neurons<'a>,
    scratch: &'a mut TapeRef,
    embedding: Quant<'a>,
    output: Option<Quant<'a>>, // none of a model with tied embeddings
    output_norm: &'a [f32],
    layers: Vec<Layer<'a>>,
}

/// A norm: floats, copied.
fn load_vector<'a>(weights: &'a TapeRef, model: &Model, name: &str) -> Result<&'a [f32]> {
    let view = model.tensor(name)?;
    let n = view.len() as usize;
    let out = weights.alloc_slice(n)?;
    Quant::borrow(view.dtype(), view.bytes(), 1, n)?.to_f32(out)?;
    Ok(out)
}

/// A matrix: F16 is quantized to 8 bits, what is quantized already is copied.
fn load_matrix<'a>(weights: &'a TapeRef, model: &Model, name: &str) -> Result<Quant<'a>> {
    let view = model.tensor(name)?;
    let (rows, cols) = (view.shape()[0] as usize, view.shape()[1] as usize);
    match view.as_slice::<u16>() {
        Some(halves) if view.dtype() == DType::F16 => {
            let options = QuantOptions { bits: 8, group: 32, tape: weights.place(), ..Default::default() };
            Quant::from_f16(halves, rows, cols, &options)
        }
        _ => Quant::borrow(view.dtype(), weights.alloc_copy(view.bytes())?, rows, cols),
    }
}

impl<'a> Llama<'a> {
    /// Copies or quantizes every weight into the weights tape, and makes an empty cache in the history tape.
    pub fn load(model: &Model, plan: &Plan, tapes: Tapes<'a>) -> Result<Self> {
        let config = model.config()?;
        config.validate()?;
        let (weights, scratch, history) = match tapes {
            Tapes { weights: Some(weights), scratch: Some(scratch), history: Some(history) } => {
                (&*weights, scratch, &*history)
            }
            _ => panic!("a plan on the host has all three tapes"),
        };
        let matrix = |name: &str| load_matrix(weights, model, name);
        let mut layers = Vec::new();
        for i in 0..config.n_layers {
            let matrix = |name: &str| matrix(&format!("blk.{i}.{name}.weight"));
            layers.push(Layer {
                attention_norm: load_vector(weights, model, &format!("blk.{i}.attn_norm.weight"))?,
                ffn_norm: load_vector(weights, model, &format!("blk.{i}.ffn_norm.weight"))?,
                q: matrix("attn_q")?,
                k: matrix("attn_k")?,
                v: matrix("attn_v")?,
                o: matrix("attn_output")?,
                gate: matrix("ffn_gate")?,
                up: matrix("ffn_up")?,
                down: matrix("ffn_down")?,
            });
        }
        Ok(Self {
            embedding: matrix("token_embd.weight")?,
            output: if config.tied_embeddings { None } else { Some(matrix("output.weight")?) },
            output_norm: load_vector(weights, model, "output_norm.weight")?,
            layers,
            kv: plan.build_kv(history.place())?,
            neurons: Neurons::new(&NeuronOptions {
                n_layers: config.n_layers as u32,
                n_neurons: config.intermediate as u32,
                threshold: 0.5,
                ..Default::default()
            })?,
            scratch,
            config,
        })
    }

    /// Runs one token through the model, at the position after those before. The logits are in the scratch tape, which
    /// is why they are gone at the next call.
    pub fn forward(&mut self, token: u32) -> Result<&[f32]> {
        let c = &self.config;
        let (hidden, middle, vocab) = (c.hidden as usize, c.intermediate as usize, c.vocab as usize);
        let (n_heads, n_kv_heads, head_dim) = (c.n_heads as usize, c.n_kv_heads as usize, c.head_dim_k as usize);
        let position = self.kv.len();

        self.scratch.clear()?;
        let scratch: &TapeRef = self.scratch;
        let (x, normed) = (scratch.alloc_slice(hidden)?, scratch.alloc_slice(hidden)?);
        let (projected, logits) = (scratch.alloc_slice(hidden)?, scratch.alloc_slice(vocab)?);
        let (q, attended) = (scratch.alloc_slice(n_heads * head_dim)?, scratch.alloc_slice(n_heads * head_dim)?);
        let (k, v) = (scratch.alloc_slice(n_kv_heads * head_dim)?, scratch.alloc_slice(n_kv_heads * head_dim)?);
        let (gate, up) = (scratch.alloc_slice::<f32>(middle)?, scratch.alloc_slice::<f32>(middle)?);
        let active = scratch.alloc_slice(middle)?;

        self.embedding.rows_to_f32(&[token as usize], x)?;
        let attention = AttendOptions { n_q_heads: n_heads, ..Default::default() };
        for (i, layer) in self.layers.iter().enumerate() {
            rms_norm(x, layer.attention_norm, c.norm_eps, normed);
            product(&layer.q, normed, q)?;
            product(&layer.k, normed, k)?;
            product(&layer.v, normed, v)?;
            rope(q, head_dim, c, position);
            rope(k, head_dim, c, position);
            self.kv.append(i, k, v, 1)?;
            self.kv.attend(i, &attention, 0..n_kv_heads, q, attended)?;
            product(&layer.o, attended, projected)?;
            add(x, projected);

            rms_norm(x, layer.ffn_norm, c.norm_eps, normed);
            product(&layer.gate, normed, gate)?;
            product(&layer.up, normed, up)?;
            for (gate, up) in gate.iter_mut().zip(up.iter()) {
                *gate = *gate / (1.0 + (-*gate).exp()) * up;
            }
            let n_active = find_active(gate, active);
            self.neurons.record(i, &active[..n_active])?;
            product(&layer.down, gate, projected)?;
            add(x, projected);
        }
        self.kv.advance(1)?;
        rms_norm(x, self.output_norm, c.norm_eps, normed);
        product(self.output.as_ref().unwrap_or(&self.embedding), normed, logits)?;
        Ok(logits)
    }
}

/// y = W x, from the form in which the weights are stored.
fn product(matrix: &Quant<'_>, x: &[f32], y: &mut [f32]) -> Result<()> {
    matrix.gemv(0..y.len(), x, y)
}

fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

fn rms_norm(x: &[f32], weight: &[f32], eps: f64, out: &mut [f32]) {
    let squares: f32 = x.iter().map(|x| x * x).sum();
    let scale = 1.0 / (squares / x.len() as f32 + eps as f32).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * scale * weight;
    }
}

/// Rotates each head's pairs (2i, 2i + 1) by position * theta^(-2i / dims): the order of pairs that GGUF's "llama" has.
fn rope(heads: &mut [f32], head_dim: usize, c: &ModelConfig, position: usize) {
    for head in heads.chunks_exact_mut(head_dim) {
        for (i, pair) in head[..c.rope_dims as usize].chunks_exact_mut(2).enumerate() {
            let angle = position as f64 * c.rope_theta.powf(-2.0 * i as f64 / c.rope_dims as f64);
            let (sine, cosine) = (angle.sin() as f32, angle.cos() as f32);
            let (a, b) = (pair[0], pair[1]);
            pair[0] = a * cosine - b * sine;
            pair[1] = a * sine + b * cosine;
        }
    }
}

/// The neurons that were active, those of at least the mean magnitude of their layer: how many were written to `active`.
fn find_active(activations: &[f32], active: &mut [u32]) -> usize {
    let sum: f32 = activations.iter().map(|x| x.abs()).sum();
    let found = activations.iter().enumerate().filter(|(_, x)| x.abs() * activations.len() as f32 >= sum);
    let mut n = 0;
    for (to, (index, _)) in active.iter_mut().zip(found) {
        *to = index as u32;
        n += 1;
    }
    n
}
