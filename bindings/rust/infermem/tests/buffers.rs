//! The buffers of a pass, plans of buffers, dispatch metrics, and stores of rows.

use infermem::{
    Code, Dispatch, DispatchOptions, Lifetime, LoadRequest, ModelConfig, NeuronOptions, NeuronStore, Neurons,
};
use infermem::{Q8kRows, Quant, QuantOptions, Scratch, ScratchBuffer, ScratchFlags, ScratchOptions, ScratchPlan};
use infermem::{StoreOptions, StorePolicy, Tape, TapeOptions, BACKEND_CPU, BACKEND_GPU};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{mpsc, Mutex};

fn config() -> ModelConfig {
    ModelConfig {
        architecture: "llama".to_owned(),
        n_layers: 1,
        hidden: 64,
        n_heads: 2,
        n_kv_heads: 1,
        head_dim_k: 32,
        head_dim_v: 32,
        intermediate: 128,
        vocab: 100,
        ..Default::default()
    }
}

#[test]
fn buffers_of_a_pass_are_had_apart() {
    let options = ScratchOptions { batch: 2, flags: ScratchFlags::Q8, ..Default::default() };
    let mut scratch = Scratch::new(&config(), &options).unwrap();
    assert_eq!(scratch.get(ScratchBuffer::Logits).unwrap(), [0.0; 200]);
    let [hidden, up] = scratch.several_mut([ScratchBuffer::Hidden, ScratchBuffer::FfnUp]).unwrap();
    assert_eq!((hidden.len(), up.len()), (128, 256));
    hidden.fill(127.0);
    up.fill(-1.0);
    let twice = scratch.several_mut([ScratchBuffer::Hidden, ScratchBuffer::Q, ScratchBuffer::Hidden]).unwrap_err();
    assert_eq!((twice.code(), twice.expected(), twice.got()), (Code::Arg, 0, 2));
    assert_eq!(scratch.view(ScratchBuffer::FfnUp).unwrap().shape(), [2, 128]);

    scratch.quantize_q8k_of(Q8kRows::Hidden, 1, ScratchBuffer::Hidden).unwrap();
    scratch.quantize_q8k(Q8kRows::Inter, 0, &[254.0, 2.0]).unwrap();
    scratch.quantize_q8(0, &[127.0; 32]).unwrap();
    scratch.quantize_q8_of(1, ScratchBuffer::Hidden).unwrap();
    let quants = scratch.get_i8(ScratchBuffer::Q8kHiddenQuants).unwrap();
    assert_eq!((quants[0], quants[256], quants[256 + 63], quants[256 + 64]), (0, 127, 127, 0));
    assert_eq!(scratch.get_i8(ScratchBuffer::Q8kInterQuants).unwrap()[..3], [127, 1, 0]);
    assert_eq!(scratch.get(ScratchBuffer::Q8kInterScales).unwrap()[0], 2.0);
    assert_eq!(scratch.get(ScratchBuffer::Q8Scales).unwrap()[..3], [1.0, 0.0, 1.0]);
    scratch.get_i8_mut(ScratchBuffer::Q8Quants).unwrap()[0] = 3;
    scratch.get_mut(ScratchBuffer::K).unwrap()[0] = 3.0;
    scratch.reset().unwrap();
    assert_eq!(scratch.get(ScratchBuffer::Hidden).unwrap()[0], 0.0);
    assert_eq!(scratch.get(ScratchBuffer::K).unwrap()[0], 3.0);
    scratch.reset_all().unwrap();
    assert_eq!(scratch.get(ScratchBuffer::K).unwrap()[0], 0.0);

    assert_eq!(scratch.get(ScratchBuffer::ExpandedV).unwrap_err().code(), Code::State);
    assert_eq!(scratch.get(ScratchBuffer::Q8Quants).unwrap_err().code(), Code::Type);
    assert_eq!(scratch.get_i8(ScratchBuffer::Q).unwrap_err().code(), Code::Type);
    assert_eq!(scratch.view(ScratchBuffer::Other(99)).unwrap_err().code(), Code::Range);
    assert_eq!(scratch.quantize_q8_of(2, ScratchBuffer::Hidden).unwrap_err().code(), Code::Range);
    assert_eq!(scratch.quantize_q8(0, &[f32::NAN]).unwrap_err().code(), Code::NotFinite);
    assert_eq!(scratch.total_bytes(), scratch.separate_bytes());
    assert_eq!(Scratch::new(&ModelConfig::default(), &options).unwrap_err().code(), Code::Arg);
}

#[test]
fn buffers_that_share_memory_are_not_had_at_once() {
    let tape = Tape::new(&TapeOptions { size: 1 << 16, ..Default::default() }).unwrap();
    let options = ScratchOptions { flags: ScratchFlags::OVERLAP, tape: tape.place(), ..Default::default() };
    let mut scratch = Scratch::new(&config(), &options).unwrap();
    assert!(scratch.total_bytes() < scratch.separate_bytes());
    let floats: Vec<_> = ScratchBuffer::ALL.iter().copied().filter(|&which| scratch.get(which).is_ok()).collect();
    let mut shared = 0;
    for (i, &first) in floats.iter().enumerate() {
        for &second in &floats[i + 1..] {
            let place = |which| scratch.get(which).unwrap().as_ptr_range();
            let (a, b) = (place(first), place(second));
            let meets = a.start < b.end && b.start < a.end;
            assert_eq!(scratch.several_mut([first, second]).is_err(), meets, "{first:?}, {second:?}");
            shared += usize::from(meets);
        }
    }
    assert!(shared > 0);
}

#[test]
fn a_plan_lets_buffers_share() {
    let used = |bytes, first_use, last_use| Lifetime { bytes, first_use, last_use };
    let plan = ScratchPlan::new(&[used(100, 0, 1), used(200, 1, 2), used(100, 2, 3)], 64).unwrap();
    let offsets = plan.offsets().unwrap();
    assert_eq!((offsets.len(), offsets[0] == offsets[2]), (3, true));
    assert!(plan.total_bytes() < plan.separate_bytes());
    assert_eq!(ScratchPlan::new(&[], 0).unwrap().offsets().unwrap(), [0; 0]);
    assert_eq!(ScratchPlan::new(&[used(1, 2, 1)], 0).unwrap_err().code(), Code::Arg);
}

#[test]
fn what_was_done_is_counted_by_backend() {
    let metrics = Dispatch::new(&DispatchOptions::default()).unwrap();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for i in 1..=100 {
                    metrics.record(BACKEND_CPU, i * 1000).unwrap();
                }
            });
        }
    });
    metrics.record(BACKEND_GPU, 500).unwrap();
    metrics.count_only(BACKEND_GPU).unwrap();
    let started = Dispatch::start();
    metrics.stop(BACKEND_GPU, started).unwrap();
    let stats = metrics.stats(BACKEND_CPU).unwrap();
    assert_eq!((stats.dispatches, stats.min_ns, stats.max_ns, stats.sum_ns), (400, 1000, 100_000, 4 * 5_050_000));
    assert!((stats.p50_ns as f64 - 50_000.0).abs() <= 500.0 && stats.mean_ns == 50_500.0);
    assert_eq!(metrics.histogram(BACKEND_CPU, &[10_000, 100_000]).unwrap(), [4 * 9, 4 * 90, 4]);
    assert_eq!(metrics.histogram(BACKEND_CPU, &[2, 1]).unwrap_err().code(), Code::Arg);
    assert_eq!(metrics.ratio(BACKEND_CPU), 400.0 / 403.0);
    assert!(metrics.speedup(BACKEND_CPU, BACKEND_GPU) > 0.0 && metrics.elapsed_ns() > 0);
    assert!(metrics.throughput() >= 0.0);
    assert!(metrics.prometheus().unwrap().contains("infermem_dispatches_total{backend=\"CPU\"} 400"));
    assert!(metrics.json().unwrap().contains("\"GPU\""));
    assert_eq!(metrics.record(2, 1).unwrap_err().code(), Code::Range);
    assert_eq!(metrics.record(0, -1).unwrap_err().code(), Code::Arg);
    metrics.reset().unwrap();
    assert_eq!(metrics.stats(BACKEND_CPU).unwrap().dispatches, 0);

    let named = DispatchOptions { names: vec!["one".to_owned()], ..Default::default() };
    assert!(Dispatch::new(&named).unwrap().json().unwrap().contains("\"one\""));
    let more = DispatchOptions { n_backends: 2, ..named };
    assert_eq!(Dispatch::new(&more).unwrap_err().code(), Code::Shape);
}

fn options() -> StoreOptions<'static> {
    StoreOptions { n_rows: 100, row_bytes: 64, budget_bytes: 64 * 8, ..Default::default() }
}

fn fill(mut request: LoadRequest) {
    for (id, row) in request.rows_mut() {
        row.fill(id as u8);
    }
    request.finish(Ok(()));
}

#[test]
fn rows_are_loaded_once_and_kept_close() {
    let mut store = NeuronStore::with_load(&options(), fill).unwrap();
    let rows = store.fetch(&[3, 5, 3]).unwrap();
    assert_eq!((rows.len(), rows.is_empty()), (3, false));
    assert_eq!((rows.get(0), rows.get(1), rows.get(2)), (&[3; 64][..], &[5; 64][..], &[3; 64][..]));
    assert_eq!(store.fetch(&[5]).unwrap().get(0), [5; 64]);
    assert!(store.has(3) && !store.has(4));
    let info = store.info().unwrap();
    assert_eq!((info.misses, info.hits, info.loads, info.capacity), (2, 1, 1, 8));
    store.release().unwrap();
    store.keep(&[90, 91]).unwrap();
    assert_eq!(store.fetch(&[100]).unwrap_err().code(), Code::Range);
    let many: Vec<u32> = (0..9).collect();
    assert_eq!(store.fetch(&many).unwrap_err().code(), Code::Full);
    assert_eq!(
        store.rank(&Neurons::new(&NeuronOptions { n_neurons: 100, ..Default::default() }).unwrap()).unwrap_err().code(),
        Code::State
    );
    assert_eq!(NeuronStore::with_load(&StoreOptions::default(), fill).unwrap_err().code(), Code::Arg);
}

#[test]
fn rows_are_loaded_by_another_thread_meanwhile() {
    let (send, receive) = mpsc::channel::<LoadRequest>();
    let loader = std::thread::spawn(move || {
        for request in receive {
            assert!(request.ids().iter().all(|&id| id < 100));
            if request.ids().contains(&66) {
                drop(request); // unfinished: it failed
            } else if request.ids().contains(&77) {
                request.finish(Err(Code::NotFound));
            } else {
                fill(request);
            }
        }
    });
    let send = Mutex::new(send); // which only later releases of Rust share by itself
    let mut store =
        NeuronStore::with_load(&options(), move |request| send.lock().unwrap().send(request).unwrap()).unwrap();
    let (first, second) = (store.begin(&[1, 2]).unwrap(), store.begin(&[2, 3]).unwrap());
    assert_eq!(first.wait().unwrap().get(1), [2; 64]);
    assert_eq!(second.wait().unwrap().get(1), [3; 64]);
    assert!(first.is_ready() && second.is_ready());
    std::thread::scope(|threads| {
        for id in 10..12 {
            let store = &store;
            threads.spawn(move || assert_eq!(store.begin(&[id]).unwrap().wait().unwrap().get(0), [id as u8; 64]));
        }
    });
    drop((first, second));
    assert_eq!(store.begin(&[66]).unwrap().wait().unwrap_err().code(), Code::Io);
    assert_eq!(store.fetch(&[77]).unwrap_err().code(), Code::NotFound);
    drop(store.begin(&[20]).unwrap());
    drop(store); // which waits for what is pending
    loader.join().unwrap();
}

#[test]
fn a_panic_of_a_load_function_goes_on_from_the_fetch() {
    let mut store = NeuronStore::with_load(&options(), |request| {
        assert!(!request.ids().contains(&13), "unlucky");
        fill(request);
    })
    .unwrap();
    for _ in 0..2 {
        let panic = catch_unwind(AssertUnwindSafe(|| store.fetch(&[13]).map(|_| ()))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"unlucky"));
        assert!(catch_unwind(AssertUnwindSafe(|| store.begin(&[13]).map(|_| ()))).is_err());
        assert_eq!(store.fetch(&[12]).unwrap().get(0), [12; 64]);
    }
    assert_eq!(store.info().unwrap().failures, 4);
}

#[test]
fn rows_of_a_matrix_come_as_floats() {
    let weights: Vec<f32> = (0..8 * 32).map(|i| i as f32).collect();
    let matrix = Quant::from_f32(&weights, 8, 32, &QuantOptions::default()).unwrap();
    let tape = Tape::new(&TapeOptions { size: 1 << 16, ..Default::default() }).unwrap();
    let hot = StoreOptions { budget_bytes: 512, policy: StorePolicy::Hot, tape: tape.place(), ..Default::default() };
    let mut store = NeuronStore::of_quant(&matrix, &hot).unwrap();
    let mut neurons = Neurons::new(&NeuronOptions { n_neurons: 8, ..Default::default() }).unwrap();
    neurons.record(0, &[2]).unwrap();
    store.rank(&neurons).unwrap();
    let mut expected = [0.0; 32];
    matrix.range_to_f32(6..7, &mut expected).unwrap();
    assert_eq!(store.fetch(&[2, 6]).unwrap().floats(1), expected);
}
