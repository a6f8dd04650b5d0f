import gc
import mmap
import os
import pathlib
import tempfile
import unittest

import numpy as np
import support

import infermem

RANDOM = np.random.default_rng(5)
W = RANDOM.standard_normal((16, 96)).astype(np.float32)


def bf16(floats):
    return (np.asarray(floats, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def floats(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


class Making(support.Case):
    def test_what_a_matrix_is(self):
        q = infermem.Quant.from_f32(W, bits=4, group=64, params="f16", symmetric=True)
        self.assertEqual((q.shape, q.bits, q.group, q.params, q.is_symmetric, q.is_packed, q.dtype),
                         ((16, 96), 4, 64, "f16", True, False, "native"))
        self.assertEqual(q.nbytes, 16 * (48 + 2 * 2))
        self.assertEqual(repr(q), "Quant(shape=(16, 96), dtype='native', bits=4)")
        q.close()
        self.assertEqual(repr(q), "Quant(closed)")

    def test_values_come_back_within_half_a_step(self):
        for bits in (4, 8):
            q = infermem.Quant.from_f32(W, bits=bits, group=32)
            groups = W.reshape(16, 3, 32)
            step = (groups.max(2) - groups.min(2)) / (2 ** bits - 1)
            far = np.abs(q.to_f32().reshape(16, 3, 32) - groups).max(2)
            self.assertTrue((far <= step / 2 + 1e-6).all())
            error = q.error(W)
            self.assertAlmostEqual(error["max"], np.abs(q.to_f32().astype(float) - W).max(), 6)

    def test_other_types_give_what_their_floats_give(self):
        half = W.astype(np.float16)
        np.testing.assert_array_equal(infermem.Quant.from_f16(half).to_f32(),
                                      infermem.Quant.from_f32(half.astype(np.float32)).to_f32())
        bits = bf16(W)
        np.testing.assert_array_equal(infermem.Quant.from_bf16(bits).to_f32(), infermem.Quant.from_f32(floats(bits)).to_f32())
        for wrong in (W, W.astype(np.int64)):
            with self.assertRaises(TypeError):
                infermem.Quant.from_bf16(wrong)

    def test_strided_data_is_read_as_it_is_meant(self):
        wide = np.empty((96, 16), np.float64)
        wide[:] = W.T
        np.testing.assert_array_equal(infermem.Quant.from_f32(wide.T).to_f32(), infermem.Quant.from_f32(W).to_f32())

    def test_levels_and_parameters(self):
        for bits in (4, 8):
            q = infermem.Quant.from_f32(W, bits=bits, group=32)
            levels, scales, minima = q.export()
            if bits == 4:
                levels = np.stack([levels & 15, levels >> 4], axis=2).reshape(16, 96)
            values = levels.reshape(16, 3, 32) * scales[..., None] + minima[..., None]
            np.testing.assert_allclose(values.reshape(16, 96), q.to_f32(), atol=1e-6)

    def test_errors_by_code(self):
        nan = W.copy()
        nan[1, 2] = np.nan
        for name, call in (("ArgError", lambda: infermem.Quant.from_f32(W, bits=5)),
                           ("ArgError", lambda: infermem.Quant.from_f32(W, group=7)),
                           ("ShapeError", lambda: infermem.Quant.from_f32(np.empty((0, 8)))),
                           ("LimitError", lambda: infermem.Quant.from_f32(W * 1e30, params="f16")),
                           ("UnsupportedError", lambda: infermem.Quant.borrow("iq4_nl", bytes(18), 1, 32)),
                           ("ShapeError", lambda: infermem.Quant.borrow("f32", W, 17, 96)),
                           ("UnsupportedError", lambda: infermem.Quant.borrow("f32", W, 16, 96).export()),
                           ("StateError", lambda: infermem.Quant.from_f32(W).unpack()),
                           ("StateError", lambda: infermem.Quant.from_f32(W).verify()),
                           ("ShapeError", lambda: infermem.Quant.from_f32(W).gemv(np.ones(95))),
                           ("RangeError", lambda: infermem.Quant.from_f32(W).rows_to_f32([0, 16])),
                           ("RangeError", lambda: infermem.Quant.from_f32(W).range_to_f32(10, 7)),
                           ("RangeError", lambda: infermem.Quant.from_f32(W).gemv(W[0], 17)),
                           ("RangeError", lambda: infermem.Quant.from_f32(W).gemm(W, 0, 17)),
                           ("RangeError", lambda: infermem.Quant.from_f32(W).dot_row(16, W[0])),
                           ("NotFiniteError", lambda: infermem.Activations([np.inf])),
                           ("ShapeError", lambda: infermem.quantize("q8_0", W[:, :31]))):
            with self.fails(name):
                call()
        with self.fails("NotFiniteError", got=98):
            infermem.Quant.from_f32(nan)
        self.assertTrue(np.isfinite(infermem.Quant.from_f32(nan, clamp=True).to_f32()).all())
        with self.assertRaises(ValueError):
            infermem.Quant.from_f32(W[0])

    def test_it_can_be_stored_in_a_tape(self):
        tape = infermem.Tape(1 << 20)
        q = infermem.Quant.from_f32(W, tape=tape)
        packed = q.pack(tape)
        self.assertGreater(tape.used, q.nbytes + packed.nbytes - 1)
        tape.clear()
        for call in (q.to_f32, lambda: packed.gemv(W[0])):
            with self.fails("StaleError"):
                call()


class Borrowing(support.Case):
    def test_blocks_are_read_where_they_lie(self):
        for dtype in ("q8_0", "q4_0", "q4_1"):
            blocks = infermem.quantize(dtype, W)
            self.assertEqual(blocks.shape, (16, infermem.dtype_bytes(dtype, 96)))
            q = infermem.Quant.borrow(dtype, blocks, 16, 96)
            before = q.to_f32()
            np.testing.assert_allclose(before, W, atol=0.02 if dtype == "q8_0" else 0.4)
            blocks[0] = 0
            self.assertTrue((q.to_f32()[0] == 0).all() and (q.to_f32()[1:] == before[1:]).all())

    def test_what_is_borrowed_is_kept_alive(self):
        q = infermem.Quant.borrow("f32", W.copy(), 16, 96)
        data = bytearray(W.tobytes())
        other = infermem.Quant.borrow("f32", data, 16, 96)
        gc.collect()
        junk = [np.full((16, 96), 7, np.float32) for _ in range(20)]
        np.testing.assert_array_equal(q.to_f32(), W)
        np.testing.assert_array_equal(other.to_f32(), W)
        with self.assertRaises(BufferError):
            data.clear()
        self.assertEqual(len(junk), 20)

    def test_bytes_that_are_not_together_are_refused(self):
        with self.assertRaisesRegex(ValueError, "one after the other"):
            infermem.Quant.borrow("f32", np.repeat(W, 2, 1)[:, ::2], 16, 96)

    def test_a_tensor_of_a_model_is_read_where_it_is_mapped(self):
        model = infermem.Model(support.MODEL)
        q = infermem.Quant.from_tensor(model, "blk.0.attn_q.weight")
        view = model.tensor("blk.0.attn_q.weight")
        expected = infermem.Quant.borrow(view.dtype, view, *view.shape).to_f32()
        model.close()
        del view
        gc.collect()
        np.testing.assert_array_equal(q.to_f32(), expected)

    def test_layers_of_other_programs(self):
        def parts(name, *shapes):
            data, found = (support.DATA / "import" / name).read_bytes(), []
            for dtype, shape in shapes:
                n = np.prod(shape) * np.dtype(dtype).itemsize
                found.append(np.frombuffer(data[:n], dtype).reshape(shape))
                data = data[n:]
            self.assertEqual(data, b"")
            return found

        u4, f2, f4 = np.uint32, np.float16, np.float32
        *tensors, expected = parts("gptq4", (u4, (12, 16)), (u4, (2, 2)), (f2, (2, 16)), (f4, (16, 96)))
        np.testing.assert_array_equal(infermem.Quant.from_gptq(16, 96, *tensors, bits=4, group=64).to_f32(), expected)
        order = np.arange(96, dtype=np.int32) // 64
        infermem.Quant.from_gptq(16, 96, *tensors, g_idx=order, bits=4, group=64)
        with self.fails("UnsupportedError", got=0):
            infermem.Quant.from_gptq(16, 96, *tensors, g_idx=order[::-1], bits=4, group=64)
        *tensors, expected = parts("awq4", (u4, (64, 3)), (u4, (2, 3)), (f2, (2, 24)), (f4, (24, 64)))
        np.testing.assert_array_equal(infermem.Quant.from_awq(24, 64, *tensors, bits=4, group=32).to_f32(), expected)
        with self.fails("ShapeError"):
            infermem.Quant.from_awq(24, 64, tensors[0][:-1], *tensors[1:], bits=4, group=32)
        *tensors, expected = parts("hqq8", (np.uint8, (15, 16)), (f4, (15, 1)), (f4, (15, 1)), (f4, (5, 48)))
        np.testing.assert_array_equal(
            infermem.Quant.from_hqq(5, 48, *tensors, scales_dtype="f32", bits=8, group=16).to_f32(), expected)


class Numbers(support.Case):
    def test_rows_and_types(self):
        q = infermem.Quant.from_f32(W)
        whole = q.to_f32()
        out = np.empty((16, 96), np.float32)
        self.assertIs(q.to_f32(out), out)
        np.testing.assert_array_equal(q.to_f16(), whole.astype(np.float16))
        self.assertEqual(q.to_bf16().dtype, np.uint16)
        np.testing.assert_allclose(floats(q.to_bf16()), whole, rtol=1e-2)
        np.testing.assert_array_equal(q.range_to_f32(3, 5), whole[3:8])
        np.testing.assert_array_equal(q.range_to_f32(14), whole[14:])
        np.testing.assert_array_equal(q.rows_to_f32([5, 5, 0]), whole[[5, 5, 0]])
        self.assertEqual(q.rows_to_f32([]).shape, (0, 96))

    def test_products_are_those_of_numpy(self):
        x = RANDOM.standard_normal((3, 96)).astype(np.float32)
        for q in (infermem.Quant.from_f32(W), infermem.Quant.from_f32(W).pack(), infermem.Quant.from_f32(W).pack().unpack(),
                  infermem.Quant.borrow("f32", W, 16, 96)):
            exact = x.astype(float) @ q.to_f32().astype(float).T
            np.testing.assert_allclose(q.gemv(x[0]), exact[0], atol=1e-4)
            np.testing.assert_allclose(q.gemv(x[0].tolist(), 4, 8), exact[0, 4:12], atol=1e-4)
            np.testing.assert_allclose(q.gemv_rows([7, 2, 7], x[1]), exact[1, [7, 2, 7]], atol=1e-4)
            self.assertAlmostEqual(q.dot_row(9, x[2]), exact[2, 9], 4)
            np.testing.assert_allclose(q.gemm(x), exact, atol=1e-4)
            np.testing.assert_allclose(q.gemm(x, 8), exact[:, 8:], atol=1e-4)
            out = np.full(20, 7, np.float32)
            self.assertIs(q.gemv(x[0], 2, 3, out=out[5:8]).base, out)
            np.testing.assert_allclose(out[5:8], exact[0, 2:5], atol=1e-4)
            self.assertTrue((out[:5] == 7).all() and (out[8:] == 7).all())

    def test_vectors_of_8_bits(self):
        x = RANDOM.standard_normal((3, 96)).astype(np.float32)
        q = infermem.Quant.from_f32(W).pack()
        exact = x @ q.to_f32().T
        many = infermem.Activations(x)
        self.assertEqual((many.n, many.n_vectors, many.data.ctypes.data % 64), (96, 3, 0))
        np.testing.assert_allclose(q.gemm(many), exact, atol=0.2)
        one = infermem.Activations(x[0])
        np.testing.assert_allclose(q.gemv(one), exact[0], atol=0.2)
        with self.fails("ShapeError"):
            q.gemv(many)
        with self.fails("ShapeError"):
            infermem.Quant.from_f32(W[:, :64]).gemv(one)


class Saving(support.Case):
    def test_a_matrix_comes_back(self):
        q = infermem.Quant.from_f32(W, bits=4).pack()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "matrix")
            q.save(path)
            again = infermem.Quant.load(path)
            again.verify()
            self.assertTrue(again.is_packed)
            np.testing.assert_array_equal(again.to_f32(), q.to_f32())
            data = path.read_bytes()
            for given in (data, b"x" + data, bytearray(data)):
                part = memoryview(given)[len(given) - len(data):]
                np.testing.assert_array_equal(infermem.Quant.load_bytes(part).to_f32(), q.to_f32())
            with open(path, "rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            held = infermem.Quant.load_bytes(mapped, verify=False)
            with self.assertRaises(BufferError):
                mapped.close()  # it is in use
            held.close()
            mapped.close()

    def test_errors_by_code(self):
        q = infermem.Quant.from_f32(W)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "matrix")
            q.save(path)
            data = bytearray(pathlib.Path(path).read_bytes())
            data[-100] ^= 255
            pathlib.Path(path).write_bytes(data)
            with self.fails("CorruptError"):
                infermem.Quant.load(path)
            unverified = infermem.Quant.load(path, verify=False)
            with self.fails("CorruptError"):
                unverified.verify()
            with self.fails("TruncatedError"):
                infermem.Quant.load_bytes(data[:-1])
            with self.fails("TruncatedError"):
                infermem.Quant.load_bytes(b"")
            with self.fails("IoError", errno=2):
                infermem.Quant.load(path + "x")
            with self.fails("ArgError"):
                q.save(folder)

    def test_saved_matrices_of_the_repository_are_read(self):
        paths = sorted((support.DATA / "quant").glob("*.quant"))
        self.assertTrue(paths)
        for path in paths:
            expected = path.with_suffix(".f32")
            found = infermem.Quant.load(path).to_f32()
            if expected.exists():
                self.assertEqual(found.tobytes(), expected.read_bytes(), path.name)


if __name__ == "__main__":
    unittest.main()
