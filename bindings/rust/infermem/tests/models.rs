//! Model files, what follows from their numbers, plans, devices, and what is about the library as a whole.

use infermem::{set_log, simd, Code, Confidence, DType, DeviceList, DeviceOptions, Format, LayerKind};
use infermem::{LogLevel, MetaType, Model, ModelConfig, ModelFlags, ModelOptions, Place, Plan, PlanDevice, PlanKey};
use infermem::{
    PlanMeasure, PlanMode, PlanNotes, PlanOptions, PlanPlace, PlanProfile, PlanSteps, ProbeFlags, Tape, TapeFlags,
    TapeOptions, WhyNot,
};
use std::path::PathBuf;
use std::sync::Mutex;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/tiny-llama.gguf")
}

fn open() -> Model {
    Model::open(path(), &ModelOptions::default()).unwrap()
}

#[test]
fn a_file_tells_its_tensors_and_metadata() {
    let model = open();
    assert_eq!((model.format(), model.tensor_count()), (Format::Gguf, 38));
    assert_eq!(model.parts().collect::<Vec<_>>(), [path()]);
    assert_eq!(model.warnings().count(), 0);
    let names: Vec<_> = model.tensors().map(|tensor| tensor.name_text().into_owned()).collect();
    assert_eq!(names.len(), 38);
    for (i, name) in names.iter().enumerate() {
        assert_eq!(model.tensor_find(name).unwrap(), i);
        let (info, view) = (model.tensor_info(i).unwrap(), model.tensor(name).unwrap());
        assert_eq!((view.dtype(), view.len(), view.bytes().len() as u64), (info.dtype, info.elements, info.bytes));
        assert_eq!(view.shape(), &info.shape[..info.n_dims]);
    }
    assert_eq!(model.tensor("output_norm.weight").unwrap().as_slice::<f32>().unwrap().len(), 128);
    assert_eq!(model.tensor_view(38).unwrap_err().code(), Code::Range);
    let error = model.tensor("blk.9.ffn_up.weight").unwrap_err();
    assert_eq!((error.code(), error.function()), (Code::NotFound, "model_tensor_find"));

    assert_eq!(model.meta_text("general.architecture").unwrap(), "llama");
    assert_eq!(model.meta_u64("llama.block_count").unwrap(), 4);
    assert_eq!(model.meta_i64(b"llama.block_count").unwrap(), 4);
    assert!(model.meta_f64("llama.attention.layer_norm_rms_epsilon").unwrap() > 0.0);
    assert_eq!(model.meta_bool("llama.block_count").unwrap_err().code(), Code::Type);
    assert_eq!(model.meta_u64("nothing").unwrap_err().code(), Code::NotFound);
    assert_eq!(model.metadata().count(), model.meta_count());
    for (i, info) in model.metadata().enumerate() {
        assert_eq!(model.meta_find(info.key).unwrap(), i);
        let n = info.count.min(4) as usize;
        let (key, mut floats) = (info.key, vec![0.0; n]);
        match (info.value_type, info.element_type) {
            (MetaType::Array, MetaType::String) => {
                let first = model.meta_array_bytes(key, 0, n).unwrap();
                let all = model.meta_array_texts(key).unwrap();
                assert_eq!(all.len() as u64, info.count);
                assert!(first.iter().zip(&all).all(|(bytes, text)| bytes == text.as_bytes()));
                let beyond = model.meta_array_bytes(key, info.count, 1).unwrap_err();
                assert_eq!(beyond.code(), Code::Range);
            }
            (MetaType::Array, MetaType::F32 | MetaType::F64) => {
                model.meta_array_f64(key, 0, &mut floats).unwrap();
                assert_eq!(model.meta_array_u64(key, 0, &mut [0; 1]).unwrap_err().code(), Code::Type);
            }
            (MetaType::Array, _) => {
                let (mut unsigned, mut signed) = (vec![0; n], vec![0; n]);
                model.meta_array_i64(key, 0, &mut signed).unwrap();
                model.meta_array_u64(key, 0, &mut unsigned).unwrap();
                assert!(signed.iter().zip(&unsigned).all(|(a, b)| *a as u64 == *b));
            }
            (value, element) => assert_eq!((value, info.count), (element, 1), "{}", info.key_text()),
        }
    }
}

#[test]
fn a_model_is_opened_from_bytes_and_readers_too() {
    let bytes = std::fs::read(path()).unwrap();
    let options = ModelOptions::default();
    let of_bytes = Model::from_bytes(&bytes, 0, &options).unwrap();
    let mut calls = 0;
    let read = |offset: u64, out: &mut [u8]| {
        calls += 1;
        let rest = bytes.get(offset as usize..).unwrap_or(&[]);
        let n = rest.len().min(out.len()).min(1000);
        out[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    };
    let of_reader = Model::from_reader(read, bytes.len() as u64, &options).unwrap();
    assert!(calls > 1);
    let config = open().config().unwrap();
    for model in [of_bytes, of_reader] {
        assert_eq!(model.config().unwrap(), config);
        assert_eq!(model.tensor_view(0).unwrap_err().code(), Code::State);
    }
    let no_data = ModelOptions { flags: ModelFlags::NO_DATA };
    assert_eq!(Model::open(path(), &no_data).unwrap().tensor_view(0).unwrap_err().code(), Code::State);

    let broken = |_: u64, _: &mut [u8]| Err(std::io::Error::from_raw_os_error(13));
    let error = Model::from_reader(broken, 1 << 20, &options).unwrap_err();
    assert_eq!((error.code(), error.os_error()), (Code::Io, Some(13)));
    let panics = |_: u64, _: &mut [u8]| panic!("no more");
    let panic = std::panic::catch_unwind(|| Model::from_reader(panics, 1 << 20, &ModelOptions::default()));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"no more"));
    assert_eq!(Model::from_bytes(b"GGUF", 0, &options).unwrap_err().code(), Code::Truncated);
    let error = Model::open("/nowhere/model.gguf", &options).unwrap_err();
    assert_eq!((error.code(), error.os_error()), (Code::Io, Some(2)));
    assert!(error.message().contains("/nowhere/model.gguf"), "{error}");
}

#[test]
fn the_numbers_of_a_model_and_their_sizes() {
    let model = open();
    let config = model.config().unwrap();
    assert_eq!((&config.architecture[..], config.n_layers, config.hidden, config.vocab), ("llama", 4, 128, 512));
    config.validate().unwrap();
    let layers: Vec<_> = model.layers().collect();
    assert_eq!(layers.len(), 4);
    assert_eq!((layers[3].kind, layers[3].n_kv_heads), (LayerKind::Attention, 4));
    assert_eq!(model.layer(4).unwrap_err().code(), Code::Range);
    let weights = model.weights().unwrap();
    assert_eq!(weights.total_bytes, model.tensors().map(|tensor| tensor.bytes).sum::<u64>());
    assert_eq!(weights.confidence, Confidence::Exact);
    assert_eq!(config.layer(0).unwrap().kind, LayerKind::Attention);
    assert_eq!(config.weights().unwrap().elements, weights.elements);

    let matrices = 128 * (128 + 64 + 64) + 128 * 128 + 3 * 128 * 352;
    assert_eq!(config.estimate_layer().unwrap(), 4 * (matrices + 2 * 128));
    assert_eq!(config.estimate_kv(10).unwrap(), 4 * 4 * 10 * 128);
    let full = config.estimate_full(10).unwrap();
    assert_eq!(full - config.estimate_streaming(10).unwrap(), 3 * config.estimate_layer().unwrap());
    assert_eq!(config.estimate_prefill_cache(true).unwrap(), 4 * matrices + 128 * 512);
    assert_eq!(config.estimate_mode(10, 2 * full).unwrap(), PlanMode::FullCache);
    assert_eq!(config.estimate_mode(10, 1000).unwrap(), PlanMode::Insufficient);
    assert!(!config.should_stream(10, 2 * full).unwrap() && config.should_stream(10, full).unwrap());
    assert!(config.estimate_text(10, 2 * full, 4 * full).unwrap().contains("Full Cache"));
    assert!(PlanMode::FullCache.text().starts_with("Full Cache"));
    let error = ModelConfig { n_heads: 3, ..config.clone() }.validate().unwrap_err();
    assert_eq!((error.code(), error.function()), (Code::Shape, "infermem_config_validate"));
    let long = ModelConfig { architecture: "a".repeat(64), ..config };
    assert_eq!(long.validate().unwrap_err().code(), Code::Arg);
}

#[test]
fn a_plan_is_a_ledger_that_memory_is_made_from() {
    let model = open();
    let options = PlanOptions { context: 64, host_bytes: 4 << 30, k_type: DType::F16, ..Default::default() };
    let plan = Plan::of_model(&model, &[], &options).unwrap();
    assert_eq!(plan.mode(), PlanMode::Host);
    let total: u64 = plan.terms().map(|term| term.bytes).sum();
    assert_eq!(plan.query(PlanKey::TotalBytes, PlanPlace::Host).unwrap(), total);
    assert!(plan.terms().all(|term| term.place == PlanPlace::Host && !term.name.is_empty()));
    assert_eq!(plan.layers().count(), 4);
    assert!(plan.layers().all(|layer| layer.is_resident && layer.place == PlanPlace::Host));
    assert_eq!(plan.query(PlanKey::KType, PlanPlace::All).unwrap(), DType::F16.0 as u64);
    assert_eq!(plan.query(PlanKey::Context, PlanPlace::Device(0)).unwrap_err().code(), Code::Arg);
    assert_eq!(plan.query(PlanKey::Other(999), PlanPlace::All).unwrap_err().code(), Code::Arg);
    assert_eq!(plan.notes().unwrap(), PlanNotes::default());
    assert!(plan.text(false).unwrap().starts_with("Host"));
    assert_ne!(plan.text(true).unwrap(), plan.text(false).unwrap());
    assert!(plan.json().unwrap().starts_with('{'));

    let layout = plan.build_layout().unwrap();
    let cache = plan.build_kv(layout.history().unwrap().place()).unwrap();
    let kv = plan.query(PlanKey::KvGlobal, PlanPlace::All).unwrap();
    assert_eq!((cache.max_tokens(), cache.memory_bytes() as u64), (64, kv));
    assert_eq!(plan.build_kv(Place::default()).unwrap().max_tokens(), 64);
    let scratch = plan.build_scratch(layout.scratch().unwrap().place()).unwrap();
    assert_eq!(scratch.total_bytes() as u64, plan.query(PlanKey::Compute, PlanPlace::All).unwrap());
    let mut measures =
        [PlanMeasure { kind: PlanKey::KvGlobal, place: PlanPlace::Host, measured_bytes: kv, ..Default::default() }];
    plan.audit(&mut measures).unwrap();
    assert_eq!((measures[0].predicted_bytes, measures[0].per_million), (kv, 0));
    assert!(plan.audit_text(&measures).unwrap().contains("KV"));
}

#[test]
fn plans_refuse_and_advise() {
    let config = open().config().unwrap();
    let device = PlanDevice { name: "small".to_owned(), free_bytes: 400 << 20, ..Default::default() };
    let only = PlanOptions { context: 64, steps: PlanSteps::NOTHING, ..Default::default() };
    let plan = Plan::of_config(&config, std::slice::from_ref(&device), &only).unwrap();
    assert_eq!(plan.mode(), PlanMode::Insufficient);
    let advice: Vec<_> = plan.advice().collect();
    assert!(advice.iter().any(|advice| advice.mode == PlanMode::FullCache), "{advice:?}");
    assert_eq!(plan.build_layout().unwrap_err().code(), Code::State);
    assert_eq!(plan.build_scratch(Place::default()).unwrap_err().code(), Code::State);
    let cells = PlanOptions { profile: PlanProfile::Cells, ..only };
    let large = PlanDevice { free_bytes: 4 << 30, ..device };
    let plan = Plan::of_config(&config, &[large], &cells).unwrap();
    assert_eq!((plan.mode(), plan.query(PlanKey::Context, PlanPlace::All).unwrap()), (PlanMode::FullCache, 256));
    assert_eq!(Plan::of_config(&config, &[], &PlanOptions::default()).unwrap_err().code(), Code::Arg);
    let bad = PlanOptions { host_bytes: 1 << 30, margin_fraction: f64::NAN, ..Default::default() };
    assert_eq!(Plan::of_config(&config, &[], &bad).unwrap_err().code(), Code::NotFinite);
}

#[test]
fn a_probe_finds_the_host_and_says_why_it_finds_no_device() {
    let none = DeviceOptions { flags: ProbeFlags::NO_CUDA | ProbeFlags::NO_AMD, ..Default::default() };
    let devices = DeviceList::probe(&none).unwrap();
    assert!(devices.is_empty() && devices.iter().next().is_none());
    assert_eq!(devices.why_not().unwrap(), WhyNot::Disabled);
    assert!(!devices.why_not_text().is_empty());
    assert_eq!(devices.get(0).unwrap_err().code(), Code::Range);
    let host = devices.host().unwrap();
    assert!(host.total_bytes >= host.effective_bytes && host.page_size >= 4096);
    let relative = DeviceOptions { root: Some("relative".into()), ..Default::default() };
    assert_eq!(DeviceList::probe(&relative).unwrap_err().code(), Code::Arg);

    let found = infermem::Device {
        name: "found".to_owned(),
        total_bytes: 8 << 30,
        free_bytes: 7 << 30,
        free_known: true,
        ..Default::default()
    };
    let device = PlanDevice::from_device(&found).unwrap();
    assert_eq!((&device.name[..], device.free_bytes), ("found", 7 << 30));
}

#[test]
fn the_library_is_told_about_and_told() {
    assert_eq!(infermem::version_text(), "0.1.0");
    assert_eq!(infermem::version(), 0x100);
    let sets: Vec<_> = simd::available().collect();
    assert!(sets[0] == "reference" && sets.contains(&simd::name()));
    simd::select(Some("reference")).unwrap();
    assert_eq!(simd::name(), "reference");
    assert_eq!(simd::select(Some("mmx")).unwrap_err().code(), Code::NotFound);
    simd::select(None).unwrap();
    assert_eq!(Some(&simd::name()), sets.last());

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn keep(_: LogLevel, line: &str) {
        LINES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(line.to_owned());
        panic!("which is swallowed");
    }
    set_log(Some(keep), LogLevel::Debug).unwrap();
    Tape::new(&TapeOptions { size: 4096, flags: TapeFlags::HUGE, ..Default::default() }).unwrap();
    set_log(None, LogLevel::Debug).unwrap();
    let lines = LINES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    assert!(lines.iter().any(|line| line == "no huge pages: 4096 bytes are less than one"), "{lines:?}");
    assert_eq!(set_log(None, LogLevel::Other(9)).unwrap_err().code(), Code::Arg);
}
