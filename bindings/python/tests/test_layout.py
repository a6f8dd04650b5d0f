import unittest

import numpy as np
import support

import infermem
from infermem import constants


class Tapes(support.Case):
    def test_memory_is_taken_and_given_back(self):
        with infermem.Tape(1 << 16) as tape:
            view = tape.alloc(100, 256)
            self.assertEqual((view.shape, view.nbytes, view._view.data % 256, tape.used), ((100,), 100, 0, 100))
            self.assertTrue(tape.owns(view._view.data) and not tape.owns(view._view.data + 100))
            mark = tape.mark()
            numbers = tape.empty((4, 8))
            self.assertEqual((numbers.dtype, numbers.shape, numbers.ctypes.data % 64), (np.float32, (4, 8), 0))
            numbers[:] = 1
            self.assertEqual(tape.empty(3, np.uint32).shape, (3,))
            self.assertEqual(tape.alloc_array(3, 5).shape, (15,))
            tape.rewind(mark)
            self.assertEqual((tape.used, tape.total, tape.free_bytes), (100, 1 << 16, (1 << 16) - 100))
            self.assertGreater(tape.peak, 100)
            tape.clear()
            self.assertEqual((tape.used, tape.generation), (0, 1))
            with self.fails("StaleError"):
                tape.rewind(mark)
            tape.trim()
            tape.warm()

    def test_numbers_in_a_tape_are_where_it_says(self):
        with infermem.Tape(1 << 16) as tape:
            base = tape.info()["base"]
            first = tape.empty(16)
            self.assertEqual(first.ctypes.data, base)
            first[:] = np.arange(16)
            self.assertEqual(tape.alloc(1)._view.data, base + 64)

    def test_errors_by_code(self):
        with infermem.Tape(4096) as tape, infermem.Tape(4096) as other:
            for name, call in (("FullError", lambda: tape.alloc(4097)), ("ArgError", lambda: tape.alloc(0)),
                               ("ArgError", lambda: tape.alloc(8, 3)), ("OverflowError", lambda: tape.alloc_array(1 << 63, 2)),
                               ("ArgError", lambda: tape.rewind(other.mark()))):
                with self.fails(name):
                    call()
            self.assertEqual((tape.failures, tape.used), (1, 0))
            tape.seal()
            self.assertEqual(tape.info()["is_sealed"], 1)
            for call in (lambda: tape.alloc(1), tape.clear, tape.trim):
                with self.fails("SealedError"):
                    call()
            tape.unseal()
            tape.alloc(1)
        for options in ({"size": 0}, {"size": 1, "flags": 1 << 30},
                        {"size": 1, "flags": constants.INFERMEM_TAPE_WARM | constants.INFERMEM_TAPE_LAZY}):
            with self.fails("ArgError"):
                infermem.Tape(**options)

    def test_memory_can_be_lent(self):
        lent = np.zeros(1000, np.float32)
        tape = infermem.Tape(lent=lent)
        tape.empty(10, align=4)[:] = 3
        self.assertEqual((tape.total, lent[:11].tolist()), (4000, [3] * 10 + [0]))
        tape.close()
        self.assertEqual(lent[0], 3)
        with self.assertRaises(ValueError):
            infermem.Tape(5000, lent=lent)
        with self.assertRaises(ValueError):
            infermem.Tape(lent=b"read-only")
        with self.assertRaises(ValueError):
            infermem.Tape(lent=lent[::2])


class Layouts(support.Case):
    def test_three_lifetimes(self):
        with infermem.Layout(1 << 20, 1 << 16, 1 << 17) as layout:
            for tape in (layout.weights, layout.scratch, layout.history):
                tape.alloc(1000)
            layout.clear_pass()
            self.assertEqual((layout.weights.used, layout.scratch.used, layout.history.used), (1000, 0, 1000))
            layout.clear_talk()
            self.assertEqual((layout.weights.used, layout.history.used), (1000, 0))
            self.assertEqual(layout.stat()["history_peak"], 1000)
            self.assertEqual(layout.total, (1 << 20) + (1 << 16) + (1 << 17))
            self.assertEqual(str(layout), "weights: 0/1 MB | scratch: 0/0 MB | history: 0/0 MB")
            with self.fails("StateError"):
                layout.weights.clear()
            layout.scratch.seal()
            with self.fails("SealedError"):
                layout.clear_talk()
            layout.weights.close()  # which is the layout's
            self.assertEqual(layout.weights.used, 1000)
        with self.fails("ArgError"):
            infermem.Layout()


class Pads(support.Case):
    def test_rows_of_each_type(self):
        rows = np.array([[1, -2, 0.5], [65504, 3, -0.25]], np.float32)
        for dtype in ("f32", "f16", "f64", np.float32):
            with infermem.Pad(4, 3, dtype) as pad:
                self.assertTrue(pad.is_empty)
                pad.append_f32(rows)
                kind = pad.view().numpy().dtype
                pad.append(rows[0].astype(kind))
                pad.append_rows(rows[:1].astype(kind))
                np.testing.assert_array_equal(pad.view().numpy(), rows[[0, 1, 0, 0]])
                self.assertEqual((len(pad), pad.capacity, pad.dim, pad.is_empty), (4, 4, 3, False))
                with self.fails("FullError"):
                    pad.append(rows[0])
                pad.truncate(1)
                self.assertEqual(str(pad), "Scratchpad(len=1, capacity=4, dim=3)")
                pad.clear()
                self.assertEqual((len(pad), pad.generation), (0, 1))

    def test_bf16_is_taken_by_its_bits(self):
        with infermem.Pad(4, 2, "bf16") as pad:
            pad.append(np.array([0x3F80, 0xC000], np.uint16))
            pad.append_f32([[1, -2]])
            np.testing.assert_array_equal(pad.view().numpy(), [[0x3F80, 0xC000]] * 2)
            for floats in ([1.0, 2.0], np.ones(2, np.float16), [1, 2]):
                with self.assertRaises(TypeError):
                    pad.append(floats)

    def test_a_view_stays_what_it_was(self):
        with infermem.Pad(4, 2) as pad:
            pad.append([1, 2])
            view = pad.view()
            pad.append([3, 4])
            self.assertEqual(view.numpy().tolist(), [[1, 2]])
            self.assertEqual(pad.view()._view.data, view._view.data)

    def test_errors_by_code(self):
        with infermem.Tape(1 << 16) as tape, infermem.Pad(4, 2, tape=tape) as pad:
            for name, call in (("ShapeError", lambda: pad.append([1])), ("ShapeError", lambda: pad.append_f32([[1]])),
                               ("FullError", lambda: pad.append_rows(np.ones((5, 2), np.float32))),
                               ("RangeError", lambda: pad.truncate(1)), ("ArgError", lambda: infermem.Pad(0, 2)),
                               ("UnsupportedError", lambda: infermem.Pad(1, 32, "q8_0"))):
                with self.fails(name):
                    call()
            with self.assertRaises(ValueError):
                pad.append_rows([1, 2])
            self.assertEqual(len(pad), 0)
            tape.clear()
            with self.fails("StaleError"):
                pad.append([1, 2])


if __name__ == "__main__":
    unittest.main()
