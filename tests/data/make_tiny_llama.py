#!/usr/bin/env python3
"""Writes tiny-llama.gguf, the model of the tests; see README.md.

    make_tiny_llama.py [OUTPUT]

Needs the packages gguf and numpy. The same versions write the same bytes every time.
"""
import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

VOCAB, HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, INTERMEDIATE, CONTEXT = 512, 128, 4, 8, 4, 16, 352, 256
LAYER_TYPES = [Type.F16, Type.Q8_0, Type.Q4_0, Type.Q4_0]

# RandomState, not default_rng: its stream is the same in every release of numpy.
random = np.random.RandomState(20240229)


def normal(rows, columns, gain):
    """A matrix that makes vectors `gain` times longer, on average."""
    return (random.standard_normal((rows, columns)) * gain / np.sqrt(columns)).astype(np.float32)


def norm():
    return (1.0 + 0.1 * random.standard_normal(HIDDEN)).astype(np.float32)


def tokens():
    """Three control tokens, 256 bytes, and syllables: enough to look like a SentencePiece vocabulary."""
    syllables = [c + v for c in "bcdfghjklmnprstvwz" for v in "aeiou"]
    words = [mark + s for mark in ("\u2581", "") for s in syllables] + ["\u2581" + s + "n" for s in syllables]
    texts = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    texts += words[: VOCAB - len(texts)]
    assert len(texts) == VOCAB and len(set(texts)) == VOCAB
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    kinds += [gguf.TokenType.NORMAL] * (VOCAB - len(kinds))
    return texts, [-float(i) for i in range(VOCAB)], kinds


def main():
    output = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("tiny-llama.gguf")
    out = gguf.GGUFWriter(str(output), "llama")
    out.add_name("tiny-llama")
    out.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    out.add_quantization_version(gguf.GGML_QUANT_VERSION)
    out.add_vocab_size(VOCAB)
    out.add_context_length(CONTEXT)
    out.add_embedding_length(HIDDEN)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(INTERMEDIATE)
    out.add_head_count(HEADS)
    out.add_head_count_kv(KV_HEADS)
    out.add_rope_dimension_count(HEAD_DIM)
    out.add_rope_freq_base(10000.0)
    out.add_layer_norm_rms_eps(1e-5)
    texts, scores, kinds = tokens()
    out.add_tokenizer_model("llama")
    out.add_token_list(texts)
    out.add_token_scores(scores)
    out.add_token_types(kinds)
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_add_bos_token(True)

    def add(name, data, kind):
        # F32 and F16 as arrays, the others as their packed bytes.
        if kind in (Type.F32, Type.F16):
            out.add_tensor(name, data.astype(np.float32 if kind == Type.F32 else np.float16))
        else:
            out.add_tensor(name, gguf.quantize(data, kind), raw_dtype=kind)

    # The output is the embedding again. Were the embedding to dominate the last hidden state, every token would
    # predict itself: the layers' outputs are made several times larger than it.
    add("token_embd.weight", normal(VOCAB, HIDDEN, np.sqrt(HIDDEN) * 0.25), Type.F16)
    for layer, kind in enumerate(LAYER_TYPES):
        prefix = f"blk.{layer}."
        add(prefix + "attn_norm.weight", norm(), Type.F32)
        add(prefix + "attn_q.weight", normal(HEADS * HEAD_DIM, HIDDEN, 1.5), kind)
        add(prefix + "attn_k.weight", normal(KV_HEADS * HEAD_DIM, HIDDEN, 1.5), kind)
        add(prefix + "attn_v.weight", normal(KV_HEADS * HEAD_DIM, HIDDEN, 1.0), kind)
        add(prefix + "attn_output.weight", normal(HIDDEN, HEADS * HEAD_DIM, 4.0), kind)
        add(prefix + "ffn_norm.weight", norm(), Type.F32)
        # A few neurons do most of the work, as in trained models: their gates follow a power law.
        ranks = random.permutation(INTERMEDIATE) + 1
        gate = normal(INTERMEDIATE, HIDDEN, 1.0) * (20.0 / ranks[:, None]).astype(np.float32)
        add(prefix + "ffn_gate.weight", gate, kind)
        add(prefix + "ffn_up.weight", normal(INTERMEDIATE, HIDDEN, 1.0), kind)
        add(prefix + "ffn_down.weight", normal(HIDDEN, INTERMEDIATE, 8.0), kind)
    add("output_norm.weight", norm(), Type.F32)

    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


main()
