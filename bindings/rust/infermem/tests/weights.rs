//! Quantized matrices.

use infermem::{activations, activations_bytes, quantize, Code, DType, NanPolicy, Place, Quant, QuantLayout};
use infermem::{QuantOptions, QuantTensors, Tape, TapeOptions};

const ROWS: usize = 32;
const COLS: usize = 256;

fn weights() -> Vec<f32> {
    (0..ROWS * COLS).map(|i| ((i * 37 % 101) as f32 - 50.0) / 64.0).collect()
}

fn vector() -> Vec<f32> {
    (0..COLS).map(|i| ((i * 11 % 17) as f32 - 8.0) / 8.0).collect()
}

/// The product of a row with a vector, in double precision.
fn dot(row: &[f32], x: &[f32]) -> f64 {
    row.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum()
}

fn near(got: &[f32], expected: impl Iterator<Item = f64>, within: f64) {
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(*got) - expected).abs() <= within, "{i}: {got} is not {expected}");
    }
}

fn four_bits() -> QuantOptions<'static> {
    QuantOptions { bits: 4, group: 64, ..Default::default() }
}

#[test]
fn a_matrix_stands_for_its_floats() {
    let data = weights();
    let matrix = Quant::from_f32(&data, ROWS, COLS, &four_bits()).unwrap();
    assert_eq!((matrix.shape().unwrap(), matrix.bits(), matrix.group()), ((ROWS, COLS), 4, 64));
    assert_eq!((matrix.dtype(), matrix.params(), matrix.layout()), (None, DType::F32, QuantLayout::Plain));
    assert_eq!(matrix.bytes(), ROWS * COLS / 2 + ROWS * 4 * 8);
    let mut floats = vec![0.0; ROWS * COLS];
    matrix.to_f32(&mut floats).unwrap();
    let worst = data.iter().zip(&floats).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    let errors = matrix.error(&data).unwrap();
    assert!(worst > 0.0 && (errors.max - worst).abs() < 1e-6 && errors.mean < errors.rmse, "{errors:?}");

    let mut some = vec![0.0; 2 * COLS];
    matrix.rows_to_f32(&[7, 3], &mut some).unwrap();
    assert_eq!((&some[..COLS], &some[COLS..]), (&floats[7 * COLS..8 * COLS], &floats[3 * COLS..4 * COLS]));
    matrix.range_to_f32(4..6, &mut some).unwrap();
    assert_eq!(some, floats[4 * COLS..6 * COLS]);
    let (mut halves, mut brains) = (vec![0; ROWS * COLS], vec![0; ROWS * COLS]);
    matrix.to_f16(&mut halves).unwrap();
    matrix.to_bf16(&mut brains).unwrap();
    near(&[f32::from_bits(u32::from(brains[9]) << 16)], [f64::from(floats[9])].into_iter(), 0.01);

    let of_halves = Quant::from_f16(&halves, ROWS, COLS, &four_bits()).unwrap();
    let of_brains = Quant::from_bf16(&brains, ROWS, COLS, &four_bits()).unwrap();
    for other in [of_halves, of_brains] {
        other.to_f32(&mut floats).unwrap();
        near(&floats, data.iter().map(|&x| f64::from(x)), 0.12);
    }
}

#[test]
fn products_are_near_those_of_the_floats() {
    let (data, x) = (weights(), vector());
    let matrix = Quant::from_f32(&data, ROWS, COLS, &four_bits()).unwrap();
    let mut floats = vec![0.0; ROWS * COLS];
    matrix.to_f32(&mut floats).unwrap();
    let exact = |row: usize| dot(&floats[row * COLS..(row + 1) * COLS], &x);
    let mut out = vec![0.0; ROWS];
    let (first, second) = out.split_at_mut(10);
    matrix.gemv(0..10, &x, first).unwrap();
    matrix.gemv(10..ROWS, &x, second).unwrap();
    near(&out, (0..ROWS).map(exact), 0.01);
    matrix.gemv_rows(&[5, 0], &x, &mut out[..2]).unwrap();
    near(&out[..2], [exact(5), exact(0)].into_iter(), 0.01);
    near(&[matrix.dot_row(5, &x).unwrap()], [exact(5)].into_iter(), 0.01);

    let both: Vec<f32> = x.iter().chain(x.iter()).copied().collect();
    let mut out = vec![0.0; 40 + ROWS];
    matrix.gemm(0..ROWS, &both, 2, &mut out, 40).unwrap();
    near(&out[40..], (0..ROWS).map(exact), 0.01);

    let tape = Tape::new(&TapeOptions { size: 1 << 20, ..Default::default() }).unwrap();
    let bytes = tape.alloc(activations_bytes(COLS, 2), 64).unwrap();
    activations(&both, COLS, 2, bytes).unwrap();
    matrix.gemm_q8(0..ROWS, bytes, 2, &mut out, 40).unwrap();
    near(&out[40..], (0..ROWS).map(exact), 0.5);
    let one = tape.alloc(activations_bytes(COLS, 1), 64).unwrap();
    activations(&x, COLS, 1, one).unwrap();
    matrix.gemv_q8(0..ROWS, one, &mut out[..ROWS]).unwrap();
    near(&out[..ROWS], (0..ROWS).map(exact), 0.5);

    let packed = matrix.pack(tape.place()).unwrap();
    assert_eq!(packed.layout(), QuantLayout::Packed);
    packed.gemv(0..ROWS, &x, &mut out[..ROWS]).unwrap();
    near(&out[..ROWS], (0..ROWS).map(exact), 0.01);
    let plain = packed.unpack(Place::default()).unwrap();
    let mut again = vec![0.0; ROWS * COLS];
    plain.to_f32(&mut again).unwrap();
    assert_eq!(again, floats);
    assert_eq!(plain.unpack(Place::default()).unwrap_err().code(), Code::State);
}

#[test]
fn errors_have_their_codes_and_numbers() {
    let mut data = weights();
    let matrix = Quant::from_f32(&data, ROWS, COLS, &four_bits()).unwrap();
    let (x, mut out) = (vector(), vec![0.0; ROWS]);
    let error = matrix.gemv(0..ROWS, &x[1..], &mut out).unwrap_err();
    assert_eq!((error.code(), error.expected(), error.got()), (Code::Shape, 256, 255));
    let error = matrix.gemv(1..ROWS + 1, &x, &mut out).unwrap_err();
    assert_eq!((error.code(), error.got()), (Code::Range, 1));
    assert_eq!(matrix.verify().unwrap_err().code(), Code::State);
    let odd = QuantOptions { bits: 3, ..Default::default() };
    assert_eq!(Quant::from_f32(&data, ROWS, COLS, &odd).unwrap_err().code(), Code::Arg);
    assert_eq!(Quant::from_f32(&data, ROWS, COLS + 1, &four_bits()).unwrap_err().code(), Code::Shape);
    data[77] = f32::INFINITY;
    let error = Quant::from_f32(&data, ROWS, COLS, &four_bits()).unwrap_err();
    assert_eq!((error.code(), error.got()), (Code::NotFinite, 77));
    let clamp = QuantOptions { nan_policy: NanPolicy::Clamp, ..four_bits() };
    assert!(Quant::from_f32(&data, ROWS, COLS, &clamp).is_ok());
}

#[test]
fn blocks_are_read_where_they_lie() {
    let (data, x) = (weights(), vector());
    let mut bytes = vec![0; DType::Q8_0.bytes((ROWS * COLS) as u64).unwrap() as usize];
    assert_eq!(DType::Q8_0.block().unwrap(), (32, 34));
    quantize(DType::Q8_0, &data, ROWS, COLS, &mut bytes).unwrap();
    let matrix = Quant::borrow(DType::Q8_0, &bytes, ROWS, COLS).unwrap();
    assert_eq!((matrix.dtype(), matrix.bits(), matrix.group()), (Some(DType::Q8_0), 8, 32));
    let mut out = vec![0.0; ROWS];
    matrix.gemv(0..ROWS, &x, &mut out).unwrap();
    near(&out, data.chunks(COLS).map(|row| dot(row, &x)), 0.5);
    assert_eq!(matrix.pack(Place::default()).unwrap_err().code(), Code::Unsupported);
    assert_eq!(Quant::borrow(DType::Q8_0, &bytes[1..], ROWS, COLS).unwrap_err().code(), Code::Shape);
    assert_eq!(Quant::borrow(DType::IQ1_S, &bytes, 1, 256).unwrap_err().code(), Code::Unsupported);
    drop(matrix);
    assert_eq!(quantize(DType::Q2_K, &data, ROWS, COLS, &mut bytes).unwrap_err().code(), Code::Unsupported);
    assert_eq!((DType::Q4_K.name(), DType(99).name()), ("Q4_K", "unknown"));
    assert_eq!(DType(99).block().unwrap_err().code(), Code::Type);
    assert_eq!(DType::Q4_K.bytes(100).unwrap_err().code(), Code::Shape);
}

#[test]
fn other_programs_groups_are_imported() {
    // HQQ's, of 8 bits, in groups of 64: a byte a weight, with zeros and scales of F32.
    let (levels, groups) = (vec![130_u8; 2 * 64], 2);
    let floats = |x: f32| x.to_le_bytes().repeat(groups);
    let tensors = QuantTensors { weights: &levels, zeros: &floats(128.0), scales: &floats(0.5), ..Default::default() };
    let options = QuantOptions { bits: 8, group: 64, ..Default::default() };
    let matrix = Quant::from_hqq(&tensors, 2, 64, &options).unwrap();
    let mut out = vec![0.0; 128];
    matrix.to_f32(&mut out).unwrap();
    assert_eq!(out, vec![1.0; 128]);
    let (mut q, mut scales, mut mins) = (vec![0; 128], [0.0; 2], [0.0; 2]);
    matrix.export(&mut q, &mut scales, &mut mins).unwrap();
    assert_eq!((q, scales, mins), (levels, [0.5; 2], [-64.0; 2]));

    // GPTQ's, of 8 bits: words of 4 inputs of an output, zeros less one.
    let words = [130_u8; 64 * 8];
    let tensors = QuantTensors {
        weights: &words,
        zeros: &[127; 8],
        scales: &0.5_f32.to_le_bytes().repeat(8),
        ..Default::default()
    };
    let matrix = Quant::from_gptq(&tensors, 8, 64, &options).unwrap();
    assert_eq!(matrix.dot_row(3, &[1.0; 64]).unwrap(), 64.0);
    // AWQ's, of 4 bits: words of 8 outputs of an input.
    let tensors = QuantTensors {
        weights: &[0x99; 64 * 4],
        zeros: &[0x88; 4],
        scales: &0.5_f32.to_le_bytes().repeat(8),
        ..Default::default()
    };
    assert_eq!(Quant::from_awq(&tensors, 8, 64, &options).unwrap_err().code(), Code::Arg);
    let matrix = Quant::from_awq(&tensors, 8, 64, &four_bits()).unwrap();
    assert_eq!(matrix.dot_row(3, &[1.0; 64]).unwrap(), 32.0);
}

#[test]
fn what_was_saved_is_loaded_without_a_copy() {
    let symmetric = QuantOptions { symmetric: true, params: DType::F16, ..four_bits() };
    let matrix = Quant::from_f32(&weights(), ROWS, COLS, &symmetric).unwrap();
    assert!(matrix.is_symmetric() && matrix.params() == DType::F16);
    let path = std::env::temp_dir().join(format!("infermem-rust-{}.quant", std::process::id()));
    matrix.save(&path).unwrap();
    let (mut floats, mut again) = (vec![0.0; ROWS * COLS], vec![0.0; ROWS * COLS]);
    matrix.to_f32(&mut floats).unwrap();
    for loaded in [Quant::load(&path).unwrap(), Quant::load_unverified(&path).unwrap()] {
        loaded.verify().unwrap();
        loaded.to_f32(&mut again).unwrap();
        assert_eq!(again, floats);
    }
    let saved = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let tape = Tape::new(&TapeOptions { size: 1 << 20, ..Default::default() }).unwrap();
    let bytes = tape.alloc_copy(&saved).unwrap();
    Quant::load_bytes(bytes).unwrap().to_f32(&mut again).unwrap();
    assert_eq!(again, floats);
    bytes[saved.len() - 1] ^= 1;
    assert_eq!(Quant::load_bytes(bytes).unwrap_err().code(), Code::Corrupt);
    let error = Quant::load(&path).unwrap_err();
    assert_eq!((error.code(), error.os_error(), error.function()), (Code::Io, Some(2), "quant_load"));
}

#[test]
fn a_matrix_lives_in_a_tape() {
    let tape = Tape::new(&TapeOptions { size: 1 << 20, ..Default::default() }).unwrap();
    let options = QuantOptions { tape: tape.place(), ..four_bits() };
    let matrix = Quant::from_f32(&weights(), ROWS, COLS, &options).unwrap();
    assert!(tape.used() >= matrix.bytes());
}
