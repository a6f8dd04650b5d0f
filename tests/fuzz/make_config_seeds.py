#!/usr/bin/env python3
"""Writes corpus/config: small config.json texts, good ones and wrong ones.

    make_config_seeds.py

A file's name is its reason. Files that the fuzzer found are added beside them by hand, and are left alone here.
"""
from seeds import Seeds

SEEDS = Seeds("config")
good, bad = SEEDS.good, SEEDS.bad

LLAMA = """{
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,
  "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 128,
  "max_position_embeddings": 512, "rope_theta": 10000.0, "rms_norm_eps": 1e-05, "rope_scaling": null,
  "tie_word_embeddings": true, "torch_dtype": "bfloat16"
}
"""
NESTED = """{"model_type": "gemma3", "text_config": {"num_hidden_layers": 3, "layer_types": ["full_attention", "sliding_attention",
  "full_attention"], "rope_scaling": {"factor": 8.0, "rope_type": "linear"}}, "vision_config": {"hidden_size": 32},
  "block_configs": [{"ffn": {"intermediate_size": 7}}, {"ffn": {"intermediate_size": null, "no_op": true}}, null, [1, "a"]],
  "time_step_limit": [0.0, Infinity], "floor": -Infinity, "none": NaN, "id2label": {"0": "LABEL_0"}, "empty": {}, "list": []}"""


def whole():
    good("llama", LLAMA)
    good("nested", NESTED)
    good("empty-object", "{}")
    good("spaces-around", " \t\r\n{ \"a\" : 1 } \n")
    good("numbers", '{"a":[9223372036854775807,-9223372036854775808],"b":18446744073709551615,"c":18446744073709551616,"d":-0,'
                    '"e":1e-400,"f":5e-324,"g":1.7976931348623157e308,"h":0.1000000000000000055511151231257827021181583404541015625}')
    good("strings", '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\ud83d\\ude00","b":"\u2581","c":["","x"]}')
    good("nested-64-deep", '{"a":' + "[" * 63 + "]" * 63 + "}")
    good("heads-0", LLAMA.replace("8,", "0,", 1))
    good("key-longest", '{"' + "k" * 65535 + '":1}')
    good("path-longest", '{"' + "k" * 32767 + '":{"' + "k" * 32767 + '":1}}')
    good("null-alone", '{"a":null,"b":[null],"c":[[null]]}')


def texts():
    for reason, text in {
        "nothing": " ", "brace": "{", "half-a-key": '{"a', "key-alone": '{"a"', "key-and-colon": '{"a":', "half-a-string": '{"a":"b', "half-an-escape": '{"a":"\\',
        "half-a-code": '{"a":"\\u00', "half-a-pair": '{"a":"\\ud800', "half-a-number": '{"a":-', "half-a-fraction": '{"a":1.', "half-an-exponent": '{"a":1e',
        "half-a-literal": '{"a":tru', "open-object": '{"a":{"b":1}', "open-array": '{"a":[1,2', "after-comma": '{"a":1,', "half-a-character": b'{"a":"\xe2\x96',
    }.items():
        bad("TRUNCATED", f"ends-after-{reason}", text)
    bad("TRUNCATED", "empty-file", b"")
    for reason, text in {
        "trailing-comma": '{"a":1,}', "trailing-comma-in-array": '{"a":[1,]}', "two-commas": '{"a":1,,"b":2}', "leading-comma": '{,"a":1}', "no-comma": '{"a":1 "b":2}',
        "no-comma-in-array": '{"a":[1 2]}', "no-colon": '{"a" 1}', "two-colons": '{"a"::1}', "colon-in-array": '{"a":[1:2]}', "bare-key": "{a:1}", "number-key": "{1:2}",
        "single-quotes": "{'a':1}", "comment": '{/* */"a":1}', "line-comment": '{"a":1 // b\n}', "two-documents": '{"a":1}{"b":2}', "text-after": '{"a":1} x',
        "bracket-after": '{"a":1}]', "brace-after": '{"a":1}}', "mismatched-brackets": '{"a":[1}}', "mismatched-braces": '{"a":{"b":1]}',
        "leading-zero": '{"a":01}', "minus-alone": '{"a":-}', "plus": '{"a":+1}', "no-fraction": '{"a":1.}', "no-integer": '{"a":.5}', "no-exponent": '{"a":1e}',
        "sign-alone-in-exponent": '{"a":1e+}', "hexadecimal": '{"a":0x10}', "underscore": '{"a":1_000}', "number-too-large": '{"a":1e309}', "number-too-small": '{"a":-1e309}',
        "integer-too-large": '{"a":' + "9" * 400 + "}", "capital-true": '{"a":True}', "capital-null": '{"a":Null}', "none": '{"a":None}', "undefined": '{"a":undefined}',
        "small-nan": '{"a":nan}', "inf-cut": '{"a":Infinit}', "vertical-tab": '{"a":\v1}', "no-break-space": '{"a":\u00a01}', "byte-order-mark": '\ufeff{"a":1}',
        "nul-at-end": '{"a":1}\0', "nul-within": '{"a":\x001}', "nul-in-string": '{"a":"b\0c"}', "nul-in-key": '{"b\0c":1}', "newline-in-string": '{"a":"b\nc"}',
        "tab-in-string": '{"a":"b\tc"}', "escape-unknown": '{"a":"\\x41"}', "escape-single-quote": '{"a":"\\\'"}', "code-no-hex": '{"a":"\\u12g4"}',
        "first-half-alone": '{"a":"\\ud800"}', "first-half-and-letter": '{"a":"\\ud800x"}', "first-half-and-no-second": '{"a":"\\ud800\\u0041"}',
        "second-half-alone": '{"a":"\\udc00"}', "second-half-in-key": '{"\\udfff":1}', "halves-exchanged": '{"a":"\\udc00\\ud800"}',
        "utf-16": '{"a":1}'.encode("utf-16"), "latin-1": '{"a":"\u00e9"}'.encode("latin-1"), "utf-8-lone-continuation": b'{"a":"\x80"}',
        "utf-8-overlong-2": b'{"a":"\xc0\x80"}', "utf-8-overlong-3": b'{"a":"\xe0\x80\x80"}', "utf-8-overlong-4": b'{"a":"\xf0\x80\x80\x80"}',
        "utf-8-surrogate": b'{"a":"\xed\xa0\x80"}', "utf-8-beyond-unicode": b'{"a":"\xf4\x90\x80\x80"}', "utf-8-five-bytes": b'{"a":"\xf8\x88\x80\x80\x80"}',
        "utf-8-cut-before-quote": b'{"a":"\xe2\x96"}', "utf-8-wrong-in-key": b'{"\xff":1}',
    }.items():
        bad("FORMAT", f"text-{reason}", text)
    for reason, text in {"array": '[{"a":1}]', "number": "  1", "string": '"a"', "null": "null", "html": "<html>"}.items():
        bad("FORMAT", f"root-is-{reason}", text)


def keys():
    for reason, key in {"empty": "", "nul": "a\\u0000b", "newline": "a\\nb", "escape": "\\u001b[31m", "delete": "a\\u007fb"}.items():
        bad("FORMAT", f"key-{reason}", f'{{"{key}":1}}')
        bad("FORMAT", f"key-{reason}-nested", f'{{"a":[{{"{key}":1}}]}}')
    bad("FORMAT", "key-twice", '{"a":1,"a":2}')
    bad("FORMAT", "key-twice-escaped", '{"a":1,"\\u0061":2}')
    bad("FORMAT", "key-twice-nested", '{"x":{"a":1,"b":2,"a":3}}')
    bad("FORMAT", "key-twice-by-a-dot", '{"a.b":1,"a":{"b":2}}')
    bad("FORMAT", "key-twice-by-an-index", '{"a.0":1,"a":[{},"x"],"a.1":1}')
    bad("FORMAT", "object-twice", '{"a":{"b":1},"a":{"b":2}}')
    bad("LIMIT", "key-65536-bytes", '{"' + "k" * 65536 + '":1}')
    bad("LIMIT", "path-65536-bytes", '{"' + "k" * 32767 + '":{"' + "k" * 32768 + '":1}}')


def limits():
    bad("LIMIT", "nested-65-deep-in-arrays", '{"a":' + "[" * 64 + "]" * 64 + "}")
    bad("LIMIT", "nested-65-deep-in-objects", '{"a":' * 65 + "1" + "}" * 65)
    bad("LIMIT", "nested-and-never-closed", '{"a":' + "[" * 10000)
    bad("LIMIT", "paths-kept-33-mib", '{"' + "k" * 60000 + '":{' + ",".join(f'"{i}":1' for i in range(560)) + "}}")


for part in (whole, texts, keys, limits):
    part()

if __name__ == "__main__":
    SEEDS.write()
