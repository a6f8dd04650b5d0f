import errno
import json
import os
import pathlib
import struct
import tempfile
import unittest

import numpy as np
import support

import infermem
from infermem import constants


def gguf(metadata):
    """A file of metadata alone: of (key, type's number, packed value)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata))
    for key, kind, value in metadata:
        out += text(key) + struct.pack("<I", kind) + value
    return out + bytes(-len(out) % 32)


def text(words):
    data = words if isinstance(words, bytes) else words.encode()
    return struct.pack("<Q", len(data)) + data


def array(kind, *values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


EVERY_KIND = gguf([
    ("u8", 0, b"\xff"), ("i8", 1, b"\xff"), ("u64", 10, struct.pack("<Q", (1 << 64) - 1)), ("f32", 6, struct.pack("<f", 0.5)),
    ("f64", 12, struct.pack("<d", -2.25)), ("bool", 7, b"\1"), ("string", 8, text("zwölf\0Bytes")),
    ("numbers", 9, array(5, *(struct.pack("<i", i) for i in (-1, 7)))), ("large", 9, array(10, struct.pack("<Q", 1 << 63))),
    ("floats", 9, array(6, struct.pack("<f", 1.5))), ("bools", 9, array(7, b"\1", b"\0")),
    ("strings", 9, array(8, text("a"), text(""), text("größer"))), ("none", 9, array(8)),
])

NUMBERS = {"architecture": "llama", "n_layers": 4, "hidden": 256, "n_heads": 4, "n_kv_heads": 2, "intermediate": 512,
           "vocab": 1000, "context": 2048}


class Files(support.Case):
    def test_a_model_tells_its_numbers(self):
        with infermem.Model(support.MODEL) as model:
            self.assertEqual((model.format, model.parts, model.warnings), ("gguf", [str(support.MODEL)], []))
            config = model.config
            self.assertEqual((config.architecture, config.n_layers, config.hidden, config.n_heads, config.n_kv_heads),
                             (b"llama", 4, 128, 8, 4))
            infermem.model.validate(config)
            layer = model.layer(3)
            self.assertEqual((layer["kind"], layer["n_kv_heads"], layer["head_dim_k"]),
                             (constants.INFERMEM_LAYER_ATTENTION, 4, 16))
            weights = model.weights
            self.assertEqual(weights["total_bytes"], sum(t["bytes"] for t in model.tensors))
            with self.fails("RangeError"):
                model.layer(4)

    def test_tensors_are_views_of_the_file(self):
        with infermem.Model(support.MODEL) as model:
            tensors = model.tensors
            self.assertEqual(len(tensors), len(list(tensors)))
            first = tensors[0]
            self.assertEqual(tensors[first["name"]], first)
            self.assertTrue(first["name"] in tensors and "no such" not in tensors)
            with self.assertRaises(IndexError):
                tensors[len(tensors)]
            data = support.MODEL.read_bytes()
            for tensor in tensors:
                view = model.tensor(tensor["name"])
                self.assertEqual((view.shape, view.dtype, view.readonly), (tensor["shape"], tensor["dtype"], True))
                begin = tensor["offset"]
                self.assertEqual(view.bytes().tobytes(), data[begin:begin + tensor["bytes"]])
            norm = model.tensor("output_norm.weight").numpy()
            self.assertFalse(norm.flags.writeable)
        self.assertEqual(norm.dtype, np.float32)  # and of a closed model
        self.assertTrue(np.isfinite(norm).all())

    def test_metadata_is_a_mapping(self):
        with infermem.Model.from_bytes(EVERY_KIND) as model:
            expected = {"u8": 255, "i8": -1, "u64": (1 << 64) - 1, "f32": 0.5, "f64": -2.25, "bool": True,
                        "string": "zwölf\0Bytes", "numbers": [-1, 7], "large": [1 << 63], "floats": [1.5],
                        "bools": [True, False], "strings": ["a", "", "größer"], "none": []}
            self.assertEqual(dict(model.metadata), expected)
            self.assertEqual(list(model.metadata.keys()), list(expected))
            self.assertIs(model.metadata["bool"], True)
            self.assertTrue("u8" in model.metadata and "u9" not in model.metadata and 8 not in model.metadata)
            self.assertEqual(model.metadata.get("u9", 3), 3)
            with self.assertRaises(LookupError):
                model.metadata["u9"]

    def test_bytes_are_kept_and_a_function_is_asked(self):
        data = support.MODEL.read_bytes()
        with infermem.Model(support.MODEL) as model:
            expected = dict(model.metadata)
        asked = []

        def read_at(offset, n):
            asked.append((offset, n))
            return memoryview(data)[offset:offset + min(n, 1000)]

        for model in (infermem.Model.from_bytes(bytearray(data)), infermem.Model.from_function(read_at, len(data))):
            self.assertEqual(dict(model.metadata), expected)
            with self.fails("StateError"):
                model.tensor("output_norm.weight")
        self.assertTrue(asked)

    def test_what_a_function_raises_comes_out(self):
        strings = [f"string {i}" for i in range(20000)]
        data = gguf([("strings", 9, array(8, *map(text, strings))), ("last", 0, b"\1")])
        failing = []

        def read_at(offset, n):
            if failing:
                raise failing[0]
            return data[offset:offset + n]

        for failure in (KeyError("no"), OSError(errno.EPERM, "no"), KeyboardInterrupt()):
            failing[:] = [failure]
            with self.assertRaises(type(failure)) as caught:
                infermem.Model.from_function(read_at, len(data))
            self.assertIs(caught.exception, failure)
        failing.clear()
        for wrong in (5, None, "text"):
            with self.assertRaises(TypeError):
                infermem.Model.from_function(lambda offset, n: wrong, len(data))
        n = len(data)
        model = infermem.Model.from_function(read_at, n)
        failing.append(ZeroDivisionError())  # it is not asked any more
        self.assertEqual(model.metadata["strings"], strings)

    def test_other_formats(self):
        with tempfile.TemporaryDirectory() as folder:
            config = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4,
                      "intermediate_size": 128, "vocab_size": 100}
            pathlib.Path(folder, "config.json").write_text(json.dumps(config))
            header = json.dumps({"w": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},
                                 "mask": {"dtype": "BOOL", "shape": [4], "data_offsets": [12, 16]}}).encode()
            pathlib.Path(folder, "model.safetensors").write_bytes(
                struct.pack("<Q", len(header)) + header + bytes(range(12)) + b"\1\0\0\1")
            with infermem.Model(folder) as model:
                self.assertEqual((model.format, model.config.n_layers), ("safetensors", 2))
                self.assertEqual(model.tensor("w").numpy().tobytes(), bytes(range(12)))
                self.assertEqual(model.tensor("mask").numpy().tolist(), [True, False, False, True])
            with infermem.Model(os.path.join(folder, "config.json")) as model:
                self.assertEqual((model.format, len(model.tensors)), ("config", 0))
            with infermem.Model(folder, data=False) as model, self.fails("StateError"):
                model.tensor("w")

    def test_errors_by_code(self):
        for name, data in (("FormatError", b"no model at all"), ("TruncatedError", EVERY_KIND[:60]), ("TruncatedError", b"")):
            with self.fails(name):
                infermem.Model.from_bytes(data)
        with infermem.Model(support.MODEL) as model:
            with self.fails("NotFoundError"):
                model.tensor("no such")
            with self.fails("NotFoundError"):
                model.metadata["no such"]


class Configurations(support.Case):
    def test_numbers_by_hand(self):
        config = infermem.model.config(**NUMBERS)
        infermem.model.validate(config)
        self.assertEqual(infermem.model.config_layer(config, 0)["head_dim_k"], 64)
        elements = 4 * (256 * (256 + 2 * 128) + 256 * 256 + 3 * 256 * 512 + 2 * 256) + 2 * 1000 * 256 + 256
        self.assertEqual(infermem.model.config_weights(config)["elements"], elements)
        for name, change in (("ArgError", {"n_layers": 0}), ("ShapeError", {"n_kv_heads": 3}), ("TypeError", {"weight_type": 99}),
                             ("LimitError", {"hidden": 1 << 32}), ("NotFiniteError", {"rope_theta": float("nan")})):
            with self.fails(name):
                infermem.model.validate(infermem.model.config(**{**NUMBERS, **change}))
        with self.fails("RangeError"):
            infermem.model.config_layer(config, 4)

    def test_estimates(self):
        estimate = infermem.Estimate(infermem.model.config(**NUMBERS))
        matrices = 256 * (256 + 2 * 128) + 256 * 256 + 3 * 256 * 512
        layer, kv, embedding = 4 * (matrices + 512), 4 * 4 * 100 * 256, 4 * 256 * 1000 + 4 * 256
        self.assertEqual((estimate.layer(), estimate.kv(100)), (layer, kv))
        self.assertEqual((estimate.full(100), estimate.streaming(100)), (embedding + 4 * layer + kv, embedding + layer + kv))
        self.assertEqual((estimate.prefill_cache(), estimate.prefill_cache(fp8=True)),
                         (2 * (4 * matrices + 256 * 1000), 4 * matrices + 256 * 1000))
        modes = [estimate.mode(100, n) for n in (1 << 30, estimate.streaming(100) * 10 // 9 + 10, 1000)]
        self.assertEqual(modes, ["full_cache", "layer_streaming", "insufficient"])
        self.assertEqual((estimate.should_stream(100, 1 << 30), estimate.should_stream(100, layer * 3)), (False, True))
        self.assertIn("MB", estimate.text(100, 1 << 30, 1 << 31))
        self.assertEqual(infermem.plan.mode_text("full_cache"), "Full Cache (all layers pre-cached on GPU)")
        with self.fails("ArgError"):
            infermem.Estimate(infermem.model.config()).layer()


class Plans(support.Case):
    def test_a_plan_is_a_ledger(self):
        with infermem.Model(support.MODEL) as model:
            plan = infermem.Plan(model, [infermem.plan.device(8 << 30, 12 << 30, "card")], context=100)
            self.assertEqual(plan.mode, "full_cache")
            total = plan.query(constants.INFERMEM_PLAN_TOTAL_BYTES)
            self.assertEqual(sum(term["bytes"] for term in plan.terms), total)
            self.assertEqual(plan.query(constants.INFERMEM_PLAN_TOTAL_BYTES, 0), total)
            self.assertEqual(plan.layer(0)["place"], 0)
            self.assertIn("card", plan.text(utf8=False))
            plan.text(utf8=False).encode("ascii")
            self.assertEqual(str(plan), plan.text())
            self.assertIsInstance(plan.json(), dict)
            self.assertEqual(plan.advice, [])
            measured = [(constants.INFERMEM_PLAN_WEIGHTS, 0, model.weights["total_bytes"])]
            self.assertEqual(plan.audit(measured)[0]["per_million"], 0)
            self.assertTrue(plan.audit_text(measured))
            model.close()
            self.assertEqual(plan.mode, "full_cache")

    def test_memory_as_planned(self):
        config = infermem.model.config(**NUMBERS)
        plan = infermem.Plan(config, host_bytes=4 << 30, context=64, k_type="q8_0")
        self.assertEqual(plan.mode, "host")
        layout = plan.build_layout()
        kv = plan.build_kv(layout.history)
        scratch = plan.build_scratch(layout.scratch)
        self.assertEqual(scratch.total_bytes, plan.query(constants.INFERMEM_PLAN_COMPUTE))
        self.assertTrue(layout.scratch.owns(scratch["hidden"].ctypes.data))
        plan.close()
        layout.close()
        self.assertEqual((kv.max_tokens, kv.n_layers, kv.n_kv_heads, kv.head_dim), (64, 4, 2, 64))
        kv.append(0, np.ones(128), np.ones(128))
        self.assertEqual(kv.keys(0, pending=True).dtype, "q8_0")

    def test_what_does_not_fit_is_told_and_what_would_do(self):
        plan = infermem.Plan(infermem.model.config(**NUMBERS), host_bytes=1 << 20)
        self.assertEqual(plan.mode, "insufficient")
        self.assertIn("host", {advice["mode"] for advice in plan.advice})
        with self.fails("StateError"):
            plan.build_layout()

    def test_errors_by_code(self):
        config = infermem.model.config(**NUMBERS)
        for name, options in (("ArgError", {}), ("LimitError", {"host_bytes": 1 << 30, "context": 1 << 40}),
                              ("ArgError", {"host_bytes": 1 << 30, "flags": 1 << 31}),
                              ("TypeError", {"host_bytes": 1 << 30, "k_type": 99})):
            with self.fails(name):
                infermem.Plan(config, **options)
        plan = infermem.Plan(config, host_bytes=4 << 30)
        with self.fails("RangeError"):
            plan.query(constants.INFERMEM_PLAN_TOTAL_BYTES, 7)
        with self.fails("ArgError"):
            plan.query(12345)
        with self.assertRaises(TypeError):
            infermem.Plan("model")

    def test_found_devices_can_be_planned_with(self):
        with infermem.DeviceList() as devices:
            for index, facts in enumerate(devices):
                self.assertEqual(infermem.plan.probed(devices, index).free_bytes, facts["free_bytes"])
            with self.fails("RangeError"):
                infermem.plan.probed(devices, len(devices))


if __name__ == "__main__":
    unittest.main()
