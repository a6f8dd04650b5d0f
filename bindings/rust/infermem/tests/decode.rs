//! The example: the tokens that it gives are those of the same example in C.

#[path = "../examples/decode/llama.rs"]
mod llama;

use infermem::{Code, Model, ModelOptions, Plan, PlanOptions};
use llama::Llama;
use std::path::Path;

const EXPECTED: [u32; 32] = [
    45, 113, 312, 45, 331, 167, 401, 473, 78, 226, 488, 263, 199, 328, 377, 441, 285, 425, 184, 145, 380, 192, 478,
    478, 478, 478, 478, 469, 439, 175, 16, 226,
];

#[test]
fn tokens_are_those_of_c_also_from_a_restored_cache() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/data/tiny-llama.gguf");
    let model = Model::open(path, &ModelOptions::default()).unwrap();
    let options = PlanOptions { context: 36, host_bytes: 4 << 30, ..Default::default() };
    let plan = Plan::of_model(&model, &[], &options).unwrap();
    let mut layout = plan.build_layout().unwrap();
    let mut llama = Llama::load(&model, &plan, layout.tapes()).unwrap();
    let (mut saved, mut tokens) = (Vec::new(), Vec::new());
    let mut token = 1;
    for position in 0..35 {
        if position == 19 {
            llama.kv.save_to(&mut saved, b"tiny").unwrap();
            llama.kv.clear().unwrap();
            assert_eq!(llama.kv.load_from(&saved[1..], b"tiny").unwrap_err().code(), Code::Format);
            llama.kv.load_from(&saved[..], b"tiny").unwrap();
        }
        let logits = llama.forward(token).unwrap();
        let likeliest = (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
        token = match position {
            0 => 17,
            1 => 42,
            2 => 99,
            _ => {
                tokens.push(likeliest as u32);
                likeliest as u32
            }
        };
    }
    assert_eq!(tokens, EXPECTED);
    assert_eq!(llama.neurons.counts(3).unwrap().events, 35);
    assert_eq!(llama.config.n_layers, 4);
}
