//! What may go to other threads, and what happens there.

use infermem::{DeviceList, Error, Exclusive, Kv, KvOptions, Layout, Model, Neurons, Pad, Plan, Quant, QuantOptions};
use infermem::{Tape, TapeOptions, TapeRef, View};
use std::sync::atomic::{AtomicUsize, Ordering};

fn goes<T: Send>() {}
fn is_shared<T: Sync>() {}

/// That a tape of the kind Exclusive is not Sync, the documentation of `Tape` shows.
#[test]
fn handles_go_to_other_threads_and_are_shared_by_them() {
    goes::<(Kv<'_>, Pad<'_>, Quant<'_>, Neurons<'_>, Model, Plan, DeviceList, Error)>();
    is_shared::<(Kv<'_>, Pad<'_>, Quant<'_>, Neurons<'_>, Model, Plan, DeviceList, Error)>();
    goes::<(Tape<'_>, Layout, &TapeRef, View<'_>)>();
    is_shared::<(Tape<'_>, Layout, TapeRef, View<'_>)>();
    goes::<(Tape<'_, Exclusive>, Layout<Exclusive>, &mut TapeRef<Exclusive>)>();
}

#[test]
fn threads_take_from_one_tape() {
    let tape = Tape::new(&TapeOptions { size: 1 << 22, ..Default::default() }).unwrap();
    std::thread::scope(|threads| {
        for thread in 0..4_u32 {
            let tape = &tape;
            threads.spawn(move || {
                let mine: Vec<_> = (0..1000).map(|_| tape.alloc_copy(&[thread; 16]).unwrap()).collect();
                assert!(mine.iter().all(|words| words[..] == [thread; 16]));
            });
        }
    });
    assert!(tape.used() >= 4 * 1000 * 64);
}

#[test]
fn threads_share_the_rows_of_a_product() {
    let weights: Vec<f32> = (0..64 * 128).map(|i| (i % 19) as f32).collect();
    let matrix = Quant::from_f32(&weights, 64, 128, &QuantOptions::default()).unwrap();
    let x = [1.0; 128];
    let (mut whole, mut shared) = (vec![0.0; 64], vec![0.0; 64]);
    matrix.gemv(0..64, &x, &mut whole).unwrap();
    std::thread::scope(|threads| {
        for (i, part) in shared.chunks_mut(16).enumerate() {
            let (matrix, x) = (&matrix, &x);
            threads.spawn(move || matrix.gemv(16 * i..16 * i + 16, x, part).unwrap());
        }
    });
    assert_eq!(shared, whole);
}

#[test]
fn threads_attend_to_heads_of_one_output() {
    let options = KvOptions { n_layers: 1, n_kv_heads: 4, head_dim: 64, max_tokens: 8, ..Default::default() };
    let mut cache = Kv::new(&options).unwrap();
    let rows: Vec<f32> = (0..8 * 256).map(|i| ((i * 13) % 23) as f32 / 23.0).collect();
    cache.append(0, &rows, &rows, 8).unwrap();
    cache.advance(8).unwrap();
    let (attention, q) = (infermem::AttendOptions::default(), &rows[..256]);
    let (mut whole, mut shared) = (vec![0.0; 256], vec![0.0_f32; 256]);
    cache.attend(0, &attention, 0..4, q, &mut whole).unwrap();
    let (address, done) = (shared.as_mut_ptr() as usize, AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for head in 0..4 {
            let (cache, attention, done) = (&cache, &attention, &done);
            threads.spawn(move || {
                // Each writes its own head of it.
                unsafe { cache.attend_to(0, attention, head..head + 1, q, address as *mut f32, 256) }.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!((shared, done.into_inner()), (whole, 4));
}

#[test]
fn each_thread_has_its_own_errors() {
    let tape = Tape::new(&TapeOptions { size: 4096, ..Default::default() }).unwrap();
    std::thread::scope(|threads| {
        for size in 5000..5004 {
            let tape = &tape;
            threads.spawn(move || {
                for _ in 0..1000 {
                    let error = tape.alloc(size, 1).unwrap_err();
                    assert!(error.message().contains(&size.to_string()), "{error}");
                }
            });
        }
    });
}
