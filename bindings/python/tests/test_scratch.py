import re
import time
import unittest

import numpy as np
import support

import infermem
from infermem.scratch import BUFFERS

CONFIG = infermem.model.config(n_layers=2, hidden=256, n_heads=4, n_kv_heads=2, intermediate=512, vocab=1000)


class Buffers(support.Case):
    def test_buffers_are_arrays_of_the_memory(self):
        with infermem.Scratch(CONFIG, batch=3, q8=True, expand_v=True) as scratch:
            widths = {"hidden": 256, "qkv": 512, "k": 128, "ffn_up": 512, "logits": 1000, "expanded_v": 256, "q8_quants": 256,
                      "q8k_inter_scales": 2}
            for name, width in widths.items():
                buffer = scratch[name]
                self.assertEqual((buffer.shape, buffer.ctypes.data % 64), ((3, width), 0), name)
                self.assertEqual(buffer.dtype, np.int8 if name.endswith("quants") else np.float32)
                self.assertEqual(buffer.ctypes.data, scratch[name].ctypes.data)
                buffer[:] = 1
            self.assertEqual(scratch.total_bytes, scratch.separate_bytes)
            scratch.reset()
            self.assertEqual((scratch["hidden"].sum(), scratch["k"].sum()), (0, 3 * 128))
            scratch.reset_all()
            self.assertEqual(sum(abs(scratch[name]).sum() for name in BUFFERS), 0)
            kept = scratch["hidden"]
        kept[0, 0] = 5  # of what is closed, too
        self.assertEqual(kept.sum(), 5)
        with self.assertRaises(KeyError):
            infermem.Scratch(CONFIG)["hiden"]

    def test_buffers_share_memory_where_they_may(self):
        tape = infermem.Tape(1 << 16)
        scratch = infermem.Scratch(CONFIG, overlap=True, tape=tape)
        self.assertLess(scratch.total_bytes, scratch.separate_bytes)
        self.assertTrue(tape.owns(scratch["logits"].ctypes.data))
        tape.clear()
        with self.fails("StaleError"):
            scratch["logits"]

    def test_a_token_in_8_bits(self):
        values = np.linspace(-3, 3, 256).astype(np.float32)
        with infermem.Scratch(CONFIG, batch=2, q8=True) as scratch:
            scratch.quantize_q8k("hidden", 1, values)
            back = scratch["q8k_hidden_quants"][1] * scratch["q8k_hidden_scales"][1].repeat(256)
            np.testing.assert_allclose(back, values, atol=3 / 127 / 2 + 1e-6)
            scratch.quantize_q8(0, values)
            back = scratch["q8_quants"][0] * scratch["q8_scales"][0].repeat(32)
            np.testing.assert_allclose(back, values, atol=3 / 127 / 2 + 1e-6)
            scratch.quantize_q8k("inter", 0, values[:5])
            for name, call in (("RangeError", lambda: scratch.quantize_q8k("hidden", 2, values)),
                               ("ShapeError", lambda: scratch.quantize_q8k("hidden", 0, np.zeros(257))),
                               ("NotFiniteError", lambda: scratch.quantize_q8(0, [np.nan]))):
                with self.fails(name):
                    call()
        with infermem.Scratch(CONFIG) as scratch:
            for call in (lambda: scratch["q8_scales"], lambda: scratch.quantize_q8(0, values)):
                with self.fails("StateError"):
                    call()

    def test_errors_by_code(self):
        with self.fails("ArgError"):
            infermem.Scratch(infermem.model.config())
        with self.fails("FullError"):
            infermem.Scratch(CONFIG, tape=infermem.Tape(4096))


class Plans(support.Case):
    def test_buffers_of_different_times_share_memory(self):
        lifetimes = [(1000, 0, 2), (500, 1, 3), (1000, 3, 5), (0, 0, 9)]
        with infermem.ScratchPlan(lifetimes, align=32) as plan:
            offsets = plan.offsets
            self.assertEqual(len(offsets), 4)
            self.assertTrue(all(offset % 32 == 0 for offset in offsets))
            self.assertLess(plan.total_bytes, plan.separate_bytes)
            for i, (n, first, last) in enumerate(lifetimes):
                self.assertLessEqual(offsets[i] + n, plan.total_bytes)
                for j, (m, begin, end) in enumerate(lifetimes[:i]):
                    if first <= end and begin <= last and n and m:
                        self.assertTrue(offsets[i] + n <= offsets[j] or offsets[j] + m <= offsets[i])
        self.assertEqual(infermem.ScratchPlan([]).total_bytes, 0)

    def test_errors_by_code(self):
        for name, lifetimes, align in (("ArgError", [(1, 3, 2)], 0), ("ArgError", [(1, 1, 2)], 3),
                                       ("OverflowError", [(1 << 63, 0, 0)] * 2, 0), ("LimitError", [(1, 0, 0)] * 8193, 0)):
            with self.fails(name):
                infermem.ScratchPlan(lifetimes, align)
        with self.assertRaises(ValueError):
            infermem.ScratchPlan([(-1, 0, 0)])


class Metrics(support.Case):
    def test_latencies_by_backend(self):
        with infermem.Dispatch(["CPU", "Zwölf"]) as dispatch:
            for latency in (1000, 2000, 3000):
                dispatch.record("CPU", latency)
            dispatch.record(1, 500)
            dispatch.count_only("CPU")
            facts = dispatch.snapshot("CPU")
            self.assertEqual((facts["dispatches"], facts["latencies"], facts["sum_ns"], facts["min_ns"], facts["max_ns"]),
                             (4, 3, 6000, 1000, 3000))
            self.assertEqual((facts["mean_ns"], dispatch.speedup("CPU", "Zwölf"), dispatch.ratio(1)), (2000, 4, 0.2))
            self.assertEqual(dispatch.histogram("CPU", [1000, 2500]).tolist(), [0, 2, 1])
            self.assertEqual(dispatch.histogram("CPU", []).tolist(), [3])
            with dispatch.timed(1):
                time.sleep(0.002)
            self.assertGreaterEqual(dispatch.snapshot(1)["max_ns"], 2000000)
            with self.assertRaises(ZeroDivisionError), dispatch.timed(1):
                1 / 0
            self.assertEqual(dispatch.snapshot(1)["dispatches"], 2)
            self.assertGreater(dispatch.elapsed_ns, 0)
            self.assertGreater(dispatch.throughput, 0)
            self.assertTrue(re.search(r'infermem_dispatches_total\{backend="Zwölf"\} 2', dispatch.prometheus()))
            self.assertEqual([backend["name"] for backend in dispatch.json()["backends"]], ["CPU", "Zwölf"])
            dispatch.reset()
            self.assertEqual(dispatch.snapshot("CPU")["dispatches"], 0)

    def test_errors_by_code(self):
        with infermem.Dispatch() as dispatch:
            self.assertEqual(dispatch.names, ("CPU", "GPU"))
            for name, call in (("ArgError", lambda: dispatch.record("CPU", -1)),
                               ("ArgError", lambda: dispatch.histogram(0, [2, 1])),
                               ("LimitError", lambda: dispatch.histogram(0, range(257))),
                               ("ArgError", lambda: infermem.Dispatch(["a", "a"])), ("ArgError", lambda: infermem.Dispatch([""])),
                               ("LimitError", lambda: infermem.Dispatch(["x" * 64])),
                               ("LimitError", lambda: infermem.Dispatch(map(str, range(33)))),
                               ("ArgError", lambda: infermem.Dispatch(resolution=9))):
                with self.fails(name):
                    call()
            for backend in ("TPU", 2):
                with self.assertRaises(LookupError):
                    dispatch.ratio(backend)


if __name__ == "__main__":
    unittest.main()
