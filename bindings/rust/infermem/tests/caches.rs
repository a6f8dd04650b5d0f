//! KV caches, scratchpads, activation counts, and the views of them.

use infermem::{attend_merge, AttendOptions, Code, DType, Kv, KvFlags, KvHalf, KvOptions, NeuronFlags, NeuronOptions};
use infermem::{Neurons, Pad, PadOptions, Place, Tape, TapeOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};

const DIM: usize = 64;

fn options() -> KvOptions<'static> {
    KvOptions { n_layers: 2, n_kv_heads: 1, head_dim: DIM, max_tokens: 16, ..Default::default() }
}

/// A row that tells token and layer apart.
fn row(token: usize, layer: usize) -> Vec<f32> {
    (0..DIM).map(|i| ((token * 7 + layer * 3 + i) % 13) as f32 - 6.0).collect()
}

fn filled(options: &KvOptions<'static>, n: usize) -> Kv<'static> {
    let mut cache = Kv::new(options).unwrap();
    for token in 0..n {
        for layer in 0..2 {
            cache.append(layer, &row(token, layer), &row(token + 100, layer), 1).unwrap();
        }
        cache.advance(1).unwrap();
    }
    cache
}

#[test]
fn rows_are_seen_where_they_are() {
    let mut cache = filled(&options(), 3);
    let keys = cache.keys(1).unwrap();
    assert_eq!((keys.shape(), keys.dtype()), (&[3, DIM as u64][..], DType::F32));
    assert_eq!((keys.strides(), keys.len()), (&[DIM as i64 * 4, 4][..], 3 * DIM as u64));
    assert_eq!(keys.row::<f32>(2), Some(&row(2, 1)[..]));
    assert_eq!(keys.rows::<f32>().count(), 3);
    assert_eq!(keys.as_slice::<f32>().unwrap()[DIM..2 * DIM], row(1, 1)[..]);
    assert_eq!(keys.bytes().len(), 3 * DIM * 4);
    assert!(keys.row::<f32>(3).is_none() && keys.as_slice::<u16>().is_none() && keys.row::<i32>(0).is_none());
    assert_eq!(cache.values(0).unwrap().row::<f32>(0), Some(&row(100, 0)[..]));

    cache.append(0, &row(9, 0), &row(9, 0), 1).unwrap();
    assert_eq!(cache.keys(0).unwrap().shape()[0], 3);
    assert_eq!(cache.keys_pending(0).unwrap().shape()[0], 4);
    assert_eq!(cache.values_pending(0).unwrap().row::<f32>(3), Some(&row(9, 0)[..]));
    let mut keys = cache.keys_mut(0).unwrap();
    keys.row_mut::<f32>(3).unwrap()[0] = 42.0;
    keys.as_slice_mut::<f32>().unwrap()[0] = 43.0;
    assert_eq!((keys.view().as_slice::<f32>().unwrap()[0], keys.bytes_mut().len()), (43.0, 4 * DIM * 4));
    cache.values_mut(0).unwrap().bytes_mut().fill(0);
    let mut out = vec![0.0; 2 * DIM];
    cache.read(0, KvHalf::Keys, 2..4, &mut out).unwrap();
    assert_eq!((&out[..DIM], out[DIM]), (&row(2, 0)[..], 42.0));
    cache.read(0, KvHalf::Values, 2..4, &mut out).unwrap();
    assert_eq!(out, vec![0.0; 2 * DIM]);
    cache.abort().unwrap();
    assert_eq!(cache.keys_pending(0).unwrap().shape()[0], 3);
    assert!(Kv::new(&options()).unwrap().keys(0).unwrap().is_empty());
}

#[test]
fn errors_have_their_codes_and_numbers() {
    let mut cache = filled(&options(), 1);
    let k = row(0, 0);
    let error = cache.append(2, &k, &k, 1).unwrap_err();
    assert_eq!((error.code(), error.function()), (Code::Range, "kv_append"));
    let error = cache.append(0, &k[1..], &k, 1).unwrap_err();
    assert_eq!((error.code(), error.expected(), error.got()), (Code::Shape, DIM as u64, DIM as u64 - 1));
    assert_eq!(cache.append(0, &k, &k, 0).unwrap_err().code(), Code::Arg);
    let many = vec![0.0; 16 * DIM];
    assert_eq!(cache.append(0, &many, &many, 16).unwrap_err().code(), Code::Full);
    cache.append(0, &k, &k, 1).unwrap();
    assert_eq!(cache.advance(1).unwrap_err().code(), Code::Incomplete);
    assert_eq!(cache.truncate(2).unwrap_err().code(), Code::Range);
    assert_eq!(cache.len(), 1);
    assert_eq!(Kv::new(&KvOptions::default()).unwrap_err().code(), Code::Arg);
    let unknown = KvOptions { k_type: DType(77), ..options() };
    assert_eq!(Kv::new(&unknown).unwrap_err().code(), Code::Type);
    let error = Kv::new(&KvOptions { v_types: vec![DType::F16; 3], ..options() }).unwrap_err();
    assert_eq!((error.code(), error.expected(), error.got()), (Code::Shape, 2, 3));
    assert!(error.to_string().contains("v_types has 3"), "{error}");
    let narrow = KvOptions { k_type: DType::Q8_0, head_dim: 16, ..options() };
    assert_eq!(Kv::new(&narrow).unwrap_err().code(), Code::Shape);
    let mut blocks = Kv::new(&KvOptions { k_type: DType::Q8_0, ..options() }).unwrap();
    let mut bad = k.clone();
    bad[5] = f32::NAN;
    let error = blocks.append(0, &bad, &k, 1).unwrap_err();
    assert_eq!((error.code(), error.got()), (Code::NotFinite, 5));
}

#[test]
fn lengths_and_sizes_follow() {
    let mixed = vec![DType::F16, DType::Q8_0];
    let options = KvOptions { k_types: mixed, growable: 32, flags: KvFlags::ROTATE_K, ..options() };
    let mut cache = filled(&options, 10);
    assert_eq!((cache.len(), cache.is_empty(), cache.max_tokens()), (10, false, 16));
    assert_eq!(cache.keys(1).unwrap().dtype(), DType::Q8_0);
    assert_eq!((cache.layer_stride(KvHalf::Keys), cache.layer_stride(KvHalf::Values)), (0, 32 * DIM));
    assert!(cache.memory_bytes() <= cache.memory_reserved() && cache.memory_committed() > 0);
    assert_eq!((cache.layers(), cache.heads(), cache.head_dim(KvHalf::Values)), (2, 1, DIM));
    cache.grow(32).unwrap();
    assert_eq!(cache.max_tokens(), 32);
    assert_eq!(cache.grow(33).unwrap_err().code(), Code::Range);
    assert_eq!(cache.keep(2, 3).unwrap(), 5);
    assert_eq!((cache.len(), cache.generation()), (5, 1));
    assert_eq!(cache.values(0).unwrap().row::<f32>(2), Some(&row(107, 0)[..]));
    let mut copy = Kv::new(&options).unwrap();
    copy.copy_prefix(&cache, 4).unwrap();
    assert_eq!(copy.values(0).unwrap().bytes(), &cache.values(0).unwrap().bytes()[..4 * DIM * 4]);
    assert_eq!(copy.copy_prefix(&cache, 6).unwrap_err().code(), Code::Range);
    copy.prefetch(1).unwrap();
    copy.truncate(1).unwrap();
    assert_eq!(copy.len(), 1);
    copy.clear_zero().unwrap();
    cache.clear().unwrap();
    assert!(copy.is_empty() && cache.is_empty());
}

#[test]
fn halves_are_stored_as_they_are() {
    let mut cache = Kv::new(&KvOptions { k_type: DType::F16, v_type: DType::BF16, ..options() }).unwrap();
    let (one_f16, one_bf16) = ([0x3c00; DIM], [0x3f80; DIM]);
    cache.append_f16(0, &one_f16, &one_f16, 1).unwrap();
    cache.append_bf16(1, &one_bf16, &one_bf16, 1).unwrap();
    cache.advance(1).unwrap();
    for layer in 0..2 {
        assert_eq!(cache.keys(layer).unwrap().as_slice::<u16>(), Some(&one_f16[..]));
        assert_eq!(cache.values(layer).unwrap().as_slice::<u16>(), Some(&one_bf16[..]));
    }
}

#[test]
fn attention_of_parts_is_that_of_the_whole() {
    let cache = filled(&options(), 12);
    let (q, attention) = (row(3, 1), AttendOptions::default());
    let mut whole = vec![0.0; DIM];
    cache.attend(0, &attention, 0..1, &q, &mut whole).unwrap();
    let mut expected = vec![0.0; DIM];
    let scores: Vec<f64> = (0..12)
        .map(|t| row(t, 0).iter().zip(&q).map(|(k, q)| f64::from(k * q)).sum::<f64>() / (DIM as f64).sqrt())
        .collect();
    let largest = scores.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
    for (t, score) in scores.iter().enumerate() {
        for (out, v) in expected.iter_mut().zip(row(t + 100, 0)) {
            *out += (score - largest).exp() / sum * f64::from(v);
        }
    }
    let mut parts = vec![0.0; 2 * (DIM + 2)];
    let (first, second) = parts.split_at_mut(DIM + 2);
    cache.attend_partial(0, &attention, 0..1, 0..5, &q, first).unwrap();
    cache.attend_partial(0, &attention, 0..1, 5..12, &q, second).unwrap();
    let mut merged = vec![0.0; DIM];
    attend_merge(&parts, 2, 1, DIM, &mut merged).unwrap();
    for i in 0..DIM {
        assert!((f64::from(whole[i]) - expected[i]).abs() < 1e-4, "{i}: {} {}", whole[i], expected[i]);
        assert!((merged[i] - whole[i]).abs() < 1e-4);
    }
    let error = cache.attend(0, &attention, 0..2, &q, &mut whole).unwrap_err();
    assert_eq!((error.code(), error.function()), (Code::Range, "kv_attend"));
    assert_eq!(attend_merge(&parts, 0, 1, DIM, &mut merged).unwrap_err().code(), Code::Arg);
}

#[test]
fn what_was_saved_comes_back() {
    let cache = filled(&options(), 5);
    let mut saved = Vec::new();
    cache.save_to(&mut saved, b"model").unwrap();
    assert_eq!(saved.len() as u64, cache.saved_bytes());
    let mut other = filled(&options(), 2);
    let mut rest = &saved[..];
    other.load_from(&mut rest, b"model").unwrap();
    assert!(rest.is_empty());
    assert_eq!((other.len(), other.keys(1).unwrap().bytes()), (5, cache.keys(1).unwrap().bytes()));
    assert_eq!(other.load_from(&saved[..], b"another").unwrap_err().code(), Code::Fingerprint);
    assert_eq!(other.load_from(&saved[..100], b"model").unwrap_err().code(), Code::Truncated);
    let last = saved.len() - 1;
    saved[last] ^= 1;
    assert_eq!(other.load_from(&saved[..], b"model").unwrap_err().code(), Code::Corrupt);
    assert_eq!(other.load_from(&[0; 4096][..], b"").unwrap_err().code(), Code::Format);
    assert_eq!(other.len(), 5);

    let path = std::env::temp_dir().join(format!("infermem-rust-{}.kv", std::process::id()));
    cache.save(&path, b"model").unwrap();
    other.clear().unwrap();
    other.load(&path, b"model").unwrap();
    let told = Kv::verify(&path).unwrap();
    assert_eq!((told.n_tokens, told.n_layers, told.k_type, told.is_mixed), (5, 2, DType::F32, false));
    assert_eq!((&told.fingerprint[..], told.file_bytes), (&b"model"[..], cache.saved_bytes()));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(other.len(), 5);
    let error = other.load(&path, b"model").unwrap_err();
    assert_eq!((error.code(), error.os_error()), (Code::Io, Some(2)));
    assert_eq!(Kv::verify("a\0b").unwrap_err().code(), Code::Arg);
}

/// Takes or gives a byte at a time, is interrupted in between, and fails or panics at the end of its patience.
struct Slow<T> {
    inner: T,
    calls: usize,
    patience: usize,
    panics: bool,
}

impl<T> Slow<T> {
    fn step(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls == self.patience {
            assert!(!self.panics, "out of patience");
            return Err(io::Error::new(ErrorKind::Other, "the line is dead"));
        }
        if self.calls % 3 == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}

impl<W: Write> Write for Slow<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.step()?;
        self.inner.write(&bytes[..bytes.len().min(97)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Slow<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.step()?;
        let n = out.len().min(97);
        self.inner.read(&mut out[..n])
    }
}

#[test]
fn slow_failing_and_panicking_streams() {
    let cache = filled(&options(), 3);
    let mut saved = Vec::new();
    cache.save_to(Slow { inner: &mut saved, calls: 0, patience: usize::MAX, panics: false }, b"").unwrap();
    let mut other = filled(&options(), 1);
    other.load_from(Slow { inner: &saved[..], calls: 0, patience: usize::MAX, panics: false }, b"").unwrap();
    assert_eq!(other.keys(0).unwrap().bytes(), cache.keys(0).unwrap().bytes());

    let error = cache.save_to(Slow { inner: Vec::new(), calls: 0, patience: 5, panics: false }, b"").unwrap_err();
    assert_eq!((error.code(), error.function()), (Code::Io, "kv_save_to"));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the line is dead");
    assert_eq!(io::Error::from(error).to_string(), "the line is dead");
    let dead = Slow { inner: &saved[..], calls: 0, patience: 5, panics: false };
    assert_eq!(other.load_from(dead, b"").unwrap_err().code(), Code::Io);
    let panics = Slow { inner: &saved[..], calls: 0, patience: 5, panics: true };
    let panic = catch_unwind(AssertUnwindSafe(|| other.load_from(panics, b""))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of patience"));
    let panics = Slow { inner: Vec::new(), calls: 0, patience: 5, panics: true };
    assert!(catch_unwind(AssertUnwindSafe(|| cache.save_to(panics, b""))).is_err());
    assert_eq!((other.len(), cache.len()), (3, 3));
}

#[test]
fn a_cache_lives_in_a_tape() {
    let tape = Tape::new(&TapeOptions { size: 1 << 20, ..Default::default() }).unwrap();
    let mut cache = Kv::new(&KvOptions { tape: tape.place(), ..options() }).unwrap();
    cache.append(0, &row(0, 0), &row(0, 0), 1).unwrap();
    assert!(tape.owns(cache.keys_pending(0).unwrap().as_ptr()));
    assert_eq!(cache.memory_reserved(), cache.memory_bytes());
    let small = Tape::new(&TapeOptions { size: 4096, ..Default::default() }).unwrap();
    let large = KvOptions { tape: (&*small).into(), max_tokens: 1000, ..options() };
    assert_eq!(Kv::new(&large).unwrap_err().code(), Code::Full);
    // A view of an object in a thread of its own.
    std::thread::scope(|threads| {
        threads.spawn(|| assert_eq!(cache.keys_pending(0).unwrap().row::<f32>(0), Some(&row(0, 0)[..])));
    });
}

#[test]
fn views_become_dlpack_tensors() {
    let cache = filled(&options(), 3);
    let view = cache.keys(0).unwrap();
    let tensor = view.dlpack().unwrap();
    assert_eq!((tensor.tensor.n_dims, tensor.tensor.data as *const u8, tensor.flags), (2, view.as_ptr(), 1));
    // The shape has as many elements as dimensions.
    let shape = unsafe { std::slice::from_raw_parts(tensor.tensor.shape, 2) };
    assert_eq!(shape, [3, DIM as i64]);
    let raw = view.dlpack_unversioned().unwrap().into_raw();
    // It is called once.
    unsafe { (*raw).deleter.unwrap()(raw) };
    let blocks = Kv::new(&KvOptions { k_type: DType::Q8_0, ..options() }).unwrap();
    assert_eq!(blocks.keys(0).unwrap().dlpack().unwrap_err().code(), Code::Unsupported);
}

#[test]
fn pads_hold_rows_of_their_type() {
    let mut pad = Pad::new(&PadOptions { max_tokens: 4, dim: 3, ..Default::default() }).unwrap();
    assert!(pad.is_empty());
    pad.append(&[1.0_f32, 2.0, 3.0]).unwrap();
    pad.append_rows(&[4.0_f32, 5.0, 6.0, 7.0, 8.0, 9.0]).unwrap();
    pad.append_f32(&[]).unwrap();
    assert_eq!(pad.view().unwrap().row::<f32>(2), Some(&[7.0, 8.0, 9.0][..]));
    assert_eq!(pad.append(&[1.0_f64, 2.0, 3.0]).unwrap_err().code(), Code::Type);
    assert_eq!(pad.append(&[1.0_f32]).unwrap_err().code(), Code::Shape);
    assert_eq!(pad.append_rows(&[1.0_f32; 4]).unwrap_err().code(), Code::Shape);
    assert_eq!(pad.append_f32(&[0.0; 6]).unwrap_err().code(), Code::Full);
    assert_eq!((pad.len(), pad.capacity(), pad.dim()), (3, 4, 3));
    assert_eq!(pad.to_string(), "Scratchpad(len=3, capacity=4, dim=3)");
    pad.truncate(1).unwrap();
    assert_eq!(pad.truncate(2).unwrap_err().code(), Code::Range);
    pad.clear().unwrap();
    assert_eq!((pad.len(), pad.generation()), (0, 1));
    let blocks = PadOptions { max_tokens: 4, dim: 32, dtype: DType::Q8_0, ..Default::default() };
    assert_eq!(Pad::new(&blocks).unwrap_err().code(), Code::Unsupported);
}

#[test]
fn neurons_are_hot_or_cold() {
    let strict =
        NeuronOptions { n_layers: 2, n_neurons: 5, threshold: 0.6, flags: NeuronFlags::STRICT, ..Default::default() };
    let mut neurons = Neurons::new(&strict).unwrap();
    for active in [&[0, 3][..], &[3], &[]] {
        neurons.record(1, active).unwrap();
    }
    assert!(neurons.hot(1).unwrap().is_empty());
    neurons.reclassify(1).unwrap();
    assert_eq!((neurons.hot(1).unwrap(), neurons.cold(1).unwrap()), (&[0, 3][..], &[1, 2, 4][..]));
    assert!(neurons.is_hot(1, 3) && !neurons.is_hot(0, 3) && !neurons.is_hot(9, 9));
    assert_eq!(neurons.frequency(1, 3), 2.0 / 3.0);
    let counts = neurons.counts(1).unwrap();
    assert_eq!((counts.n_hot, counts.events, counts.reclassifications), (2, 3, 1));
    assert_eq!(neurons.record(1, &[5]).unwrap_err().code(), Code::Range);
    assert_eq!(neurons.hot(2).unwrap_err().code(), Code::Range);
    assert_eq!(neurons.coverage(1, &[0.2, 1.0]).unwrap(), [2.0 / 3.0, 1.0]);
    assert_eq!(neurons.coverage(1, &[2.0]).unwrap_err().code(), Code::Arg);

    neurons.record_mask(0, &[0b10010]).unwrap();
    neurons.record_values(0, &[0.0, -2.0, 0.5, 0.0, 0.0], 1.0).unwrap();
    assert_eq!(neurons.record_values(0, &[f32::NAN; 5], 1.0).unwrap_err().code(), Code::NotFinite);
    assert_eq!(neurons.record_mask(0, &[0, 0]).unwrap_err().code(), Code::Shape);
    assert_eq!((neurons.frequency(0, 1), neurons.frequency(0, 4)), (1.0, 0.5));
    let path = std::env::temp_dir().join(format!("infermem-rust-{}.neurons", std::process::id()));
    neurons.save(&path).unwrap();
    let mut loaded = Neurons::load(&path, Place::default()).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((loaded.hot(1).unwrap(), loaded.counts(0).unwrap().events), (&[0, 3][..], 2));
    loaded.merge(&[&neurons, &neurons]).unwrap();
    assert_eq!(loaded.counts(0).unwrap().events, 6);
    assert_eq!(Neurons::load(&path, Place::default()).unwrap_err().code(), Code::Io);
    let budget = NeuronOptions { n_neurons: 5, budget_count: 1, ..Default::default() };
    let mut most = Neurons::new(&budget).unwrap();
    most.record(0, &[4, 4, 2]).unwrap();
    most.reclassify(0).unwrap();
    assert_eq!(most.hot(0).unwrap(), [4]);
    assert_eq!(loaded.merge(&[&most]).unwrap_err().code(), Code::Shape);

    neurons.clear().unwrap();
    assert_eq!(neurons.counts(1).unwrap().events, 0);
    assert_eq!(Neurons::new(&NeuronOptions::default()).unwrap_err().code(), Code::Arg);
}

#[cfg(feature = "ndarray")]
#[test]
fn views_become_arrays() {
    let mut cache = filled(&options(), 3);
    let array = cache.keys(1).unwrap().to_ndarray::<f32>().unwrap();
    assert_eq!(array.shape(), [3, DIM]);
    assert_eq!(array[[2, 5]], row(2, 1)[5]);
    assert!(cache.keys(1).unwrap().to_ndarray::<f64>().is_none());
    let mut keys = cache.keys_mut(1).unwrap();
    keys.to_ndarray_mut::<f32>().unwrap()[[1, 1]] = 8.0;
    assert_eq!(cache.keys(1).unwrap().row::<f32>(1).unwrap()[1], 8.0);
}
