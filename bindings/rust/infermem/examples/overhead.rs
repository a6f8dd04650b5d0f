//! overhead: what a call through this crate costs beside the bare C call, in nanoseconds; the medians of several rounds.

use infermem::{sys, Dispatch, DispatchOptions, Kv, KvHalf, KvOptions, Neurons, Tape, TapeOptions};
use std::time::Instant;

const CALLS: u32 = 200_000;
const ROUNDS: usize = 31;

/// Nanoseconds a call of the median round, whose state is made anew by `prepare`.
fn median(mut prepare: impl FnMut(), mut call: impl FnMut(u32)) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            prepare();
            let begin = Instant::now();
            for i in 0..CALLS {
                call(i);
            }
            begin.elapsed().as_nanos() as f64 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn print(name: &str, bare: f64, wrapped: f64) {
    println!("{name:<36} {bare:8.2} {wrapped:8.2} {:+8.2}", wrapped - bare);
}

fn main() -> infermem::Result<()> {
    println!("{:<36} {:>8} {:>8} {:>8}", "ns a call", "C", "Rust", "more");

    let mut tape = Tape::exclusive(&TapeOptions { size: 64 * (CALLS as usize + 1), ..Default::default() })?;
    let raw = tape.as_ptr();
    // The handles live until the end; what is written to is there.
    let clear = || assert_eq!(unsafe { sys::tape_clear(raw) }, 0);
    let mut failed = 0;
    let bare = median(clear, |_| {
        let mut out = std::ptr::null_mut();
        failed += i32::from(unsafe { sys::tape_alloc(raw, 64, 64, &mut out) } != 0 || out.is_null());
    });
    tape.clear()?;
    let wrapped = median(clear, |_| failed += i32::from(tape.alloc(64, 64).is_err()));
    print("tape_alloc, exclusive", bare, wrapped);
    print(
        "tape_used",
        median(|| (), |_| failed += i32::from(unsafe { sys::tape_used(raw) } == 1)),
        median(|| (), |_| failed += i32::from(tape.used() == 1)),
    );

    let full = Tape::new(&TapeOptions { size: 4096, ..Default::default() })?;
    let bare = median(
        || (),
        |_| {
            let mut out = std::ptr::null_mut();
            failed += i32::from(unsafe { sys::tape_alloc(full.as_ptr(), 8192, 64, &mut out) } == 0);
        },
    );
    print("an error, with its sentence", bare, median(|| (), |_| failed += i32::from(full.alloc(8192, 64).is_ok())));

    let metrics = Dispatch::new(&DispatchOptions::default())?;
    print(
        "dispatch_record",
        median(|| (), |i| failed += i32::from(unsafe { sys::dispatch_record(metrics.as_ptr(), 0, i.into()) } != 0)),
        median(|| (), |i| failed += i32::from(metrics.record(0, i.into()).is_err())),
    );

    let mut neurons =
        Neurons::new(&infermem::NeuronOptions { n_neurons: 4096, interval: u32::MAX, ..Default::default() })?;
    let (raw, active) = (neurons.as_ptr(), [1, 5, 9, 700, 800, 900, 1000, 4000]);
    print(
        "neuron_record, 8 neurons",
        median(|| (), |_| failed += i32::from(unsafe { sys::neuron_record(raw, 0, active.as_ptr(), 8) } != 0)),
        median(|| (), |_| failed += i32::from(neurons.record(0, &active).is_err())),
    );

    let mut cache =
        Kv::new(&KvOptions { n_layers: 1, n_kv_heads: 1, head_dim: 64, max_tokens: 4, ..Default::default() })?;
    let (raw, row, mut out) = (cache.as_ptr(), [1.0_f32; 64], [0.0_f32; 64]);
    let bare = median(
        || (),
        |_| failed += i32::from(unsafe { sys::kv_append(raw, 0, row.as_ptr(), 64, row.as_ptr(), 64, 1) } != 0),
    );
    print(
        "kv_append, 2 rows of 64",
        bare,
        median(|| (), |_| failed += i32::from(cache.append(0, &row, &row, 1).is_err())),
    );
    cache.advance(1)?;
    let bare = median(
        || (),
        |_| {
            let mut view = sys::infermem_view::default();
            failed += i32::from(unsafe { sys::kv_keys(raw, 0, &mut view) } != 0 || view.bytes != 256);
        },
    );
    let wrapped = median(|| (), |_| failed += i32::from(cache.keys(0).map_or(true, |view| view.bytes().len() != 256)));
    print("kv_keys", bare, wrapped);
    let bare =
        median(|| (), |_| failed += i32::from(unsafe { sys::kv_read(raw, 0, 0, 0, 1, out.as_mut_ptr(), 64) } != 0));
    let wrapped = median(|| (), |_| failed += i32::from(cache.read(0, KvHalf::Keys, 0..1, &mut out).is_err()));
    print("kv_read, a row of 64", bare, wrapped);
    assert_eq!(failed, 0, "calls failed, or did not");
    Ok(())
}
