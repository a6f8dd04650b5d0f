//! decode: opens a model file, plans, lays out the memory, and generates tokens, showing what happened to the memory.
//! Half way it saves the cache, and goes on from what was saved.
//!
//!     decode MODEL
//!
//! Starts from a fixed prompt and takes the likeliest token each time.

mod llama;

use infermem::{
    DeviceList, DeviceOptions, Dispatch, DispatchOptions, Layout, Model, ModelOptions, Plan, PlanOptions, Result,
    BACKEND_CPU,
};
use llama::Llama;
use std::io::Write;
use std::time::Instant;

const PROMPT: [u32; 4] = [1, 17, 42, 99];
const TOKENS: usize = 32;

fn print_configuration(model: &Model) -> Result<()> {
    let c = model.config()?;
    println!(
        "model    {}: {} layers, hidden {}, {} heads, {} KV heads, head_dim {}, intermediate {}",
        c.architecture, c.n_layers, c.hidden, c.n_heads, c.n_kv_heads, c.head_dim_k, c.intermediate
    );
    println!("         vocabulary {}, context {}, {} tensors", c.vocab, c.context, model.tensor_count());
    for warning in model.warnings() {
        println!("warning  {warning}");
    }
    Ok(())
}

/// What the machine has, and what of it the model takes. The computing is done here, so the devices are only told.
fn plan(model: &Model) -> Result<Plan> {
    let devices = DeviceList::probe(&DeviceOptions::default())?;
    let host = devices.host()?;
    println!("host     {} MiB, of which {} MiB can be had", host.total_bytes >> 20, host.effective_bytes >> 20);
    for device in devices.iter() {
        println!("device   {}: {} MiB", device.name, device.total_bytes >> 20);
    }
    if devices.is_empty() {
        println!("device   none: {}", devices.why_not_text());
    }
    let options =
        PlanOptions { context: (PROMPT.len() + TOKENS) as u64, host_bytes: host.effective_bytes, ..Default::default() };
    let plan = Plan::of_model(model, &[], &options)?;
    println!("{}", plan.text(false)?);
    Ok(plan)
}

fn likeliest(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().fold(0, |best, (i, &x)| if x > logits[best] { i } else { best });
    best as u32
}

/// Runs a token through the model, and those that follow from it, `n` in all; gives the last.
fn generate(llama: &mut Llama<'_>, metrics: &Dispatch, mut token: u32, n: usize, tokens: &mut Vec<u32>) -> Result<u32> {
    for _ in 0..n {
        let started = Dispatch::start();
        token = likeliest(llama.forward(token)?);
        metrics.stop(BACKEND_CPU, started)?;
        tokens.push(token);
    }
    Ok(token)
}

fn run(model: &Model) -> Result<Vec<u32>> {
    print_configuration(model)?;
    let plan = plan(model)?;
    let mut layout: Layout = plan.build_layout()?;
    let mut llama = Llama::load(model, &plan, layout.tapes())?;

    let metrics = Dispatch::new(&DispatchOptions::default())?;
    let begin = Instant::now();
    let mut tokens = Vec::new();
    for &token in &PROMPT[..PROMPT.len() - 1] {
        llama.forward(token)?;
    }
    let last = generate(&mut llama, &metrics, PROMPT[PROMPT.len() - 1], TOKENS / 2, &mut tokens)?;
    let mut saved = Vec::new();
    llama.kv.save_to(&mut saved, b"tiny-llama")?;
    llama.kv.clear()?;
    llama.kv.load_from(&saved[..], b"tiny-llama")?;
    generate(&mut llama, &metrics, last, TOKENS - TOKENS / 2, &mut tokens)?;
    let taken = begin.elapsed().as_secs_f64();

    println!("prompt   {}", words(&PROMPT));
    println!("tokens   {}", words(&tokens));
    println!("speed    {:.0} tokens/s, one thread", (PROMPT.len() + TOKENS - 1) as f64 / taken);
    println!("saved    {} bytes after {} tokens, and restored", saved.len(), TOKENS / 2);
    let stats = metrics.stats(BACKEND_CPU)?;
    println!(
        "metrics  {} tokens on the processor, a median of {} us, at most {} us",
        stats.dispatches,
        stats.p50_ns / 1000,
        stats.max_ns / 1000
    );
    for layer in 0..llama.config.n_layers as usize {
        llama.neurons.reclassify(layer)?;
        let counts = llama.neurons.counts(layer)?;
        println!("hot      layer {layer}: {} neurons ({:.0} %)", counts.n_hot, 100.0 * counts.hot_ratio);
    }
    drop(llama);
    let usage = layout.usage()?;
    println!(
        "layout   peak bytes: weights {}, scratch {}, history {} of {}",
        usage.weights_peak,
        usage.scratch_peak,
        usage.history_peak,
        layout.total()
    );
    Ok(tokens)
}

fn words(tokens: &[u32]) -> String {
    tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

fn main() {
    let result = match std::env::args_os().nth(1) {
        Some(path) => Model::open(path, &ModelOptions::default()).and_then(|model| run(&model)),
        None => {
            eprintln!("usage: decode MODEL");
            std::process::exit(1);
        }
    };
    let _ = std::io::stdout().flush();
    if let Err(error) = result {
        eprintln!("decode: {error}");
        std::process::exit(1);
    }
}
