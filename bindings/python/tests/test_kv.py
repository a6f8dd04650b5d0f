import io
import os
import pathlib
import tempfile
import unittest

import numpy as np
import support

import infermem
from infermem import constants


def cache(n=0, seed=0, **options):
    """A cache of 2 layers and 2 heads of 32 with n tokens, and their keys and values by layer."""
    options = {"k_type": "f32", "v_type": "f32", "max_tokens": 8, **options}
    kv = infermem.Kv(2, 2, 32, **options)
    random = np.random.default_rng(seed)
    rows = random.standard_normal((2, 2, n, 64)).astype(np.float32)
    if n:
        for layer in range(2):
            kv.append(layer, rows[layer, 0], rows[layer, 1], n)
        kv.advance(n)
    return kv, rows


class Tokens(support.Case):
    def test_shape_and_memory(self):
        kv = infermem.Kv(3, 2, 32, 8, ["f32", "f16", "q8_0"], "f16", head_dim_v=64, growable=16)
        self.assertEqual((kv.n_layers, kv.n_kv_heads, kv.head_dim, kv.head_dim_v, kv.max_tokens, len(kv), kv.generation),
                         (3, 2, 32, 64, 8, 0, 0))
        self.assertEqual(kv.memory_bytes, 16 * (64 * (4 + 2) + 68 + 3 * 128 * 2))
        self.assertEqual((kv.layer_stride("v"), kv.layer_stride("k")), (16 * 128, 0))
        self.assertGreaterEqual(kv.memory_reserved, kv.memory_bytes)
        self.assertLessEqual(kv.memory_committed, kv.memory_reserved)
        kv.grow(16)
        self.assertEqual(kv.max_tokens, 16)
        with self.fails("RangeError"):
            kv.grow(17)

    def test_a_step_is_pending_until_it_is_ended(self):
        kv, rows = cache(2)
        kv.append(0, rows[0, 0, :1], rows[0, 1, :1])
        self.assertEqual((len(kv), len(kv.keys(0)), len(kv.keys(0, pending=True)), len(kv.values(0, pending=True))),
                         (2, 2, 3, 3))
        with self.fails("IncompleteError", got=0):
            kv.advance()
        kv.abort()
        self.assertEqual(len(kv.keys(0, pending=True)), 2)
        kv.prefetch(1)

    def test_rows_come_back(self):
        for k_type, tolerance in (("f32", 0), ("f16", 1e-3), ("bf16", 1e-2), ("q8_0", 2e-2)):
            kv, rows = cache(5, k_type=k_type)
            np.testing.assert_allclose(kv.read(1, "k"), rows[1, 0], atol=tolerance, rtol=tolerance)
            out = np.empty((2, 64), np.float32)
            self.assertIs(kv.read(0, "v", 3, 2, out=out), out)
            np.testing.assert_array_equal(out, rows[0, 1, 3:])
        with self.assertRaises(KeyError):
            kv.read(0, "x")
        with self.fails("RangeError"):
            kv.read(0, "k", 9, 1)

    def test_rows_of_16_bits_go_in_as_they_are(self):
        half = np.arange(64).astype(np.float16)
        kv, _ = cache(k_type="f16", v_type="f16")
        kv.append(0, half, -half)
        np.testing.assert_array_equal(kv.keys(0, pending=True).numpy()[0], half)
        bits = (np.arange(64, dtype=np.float32).view(np.uint32) >> 16).astype(np.uint16)
        kv, _ = cache(k_type="bf16", v_type="bf16")
        kv.append(0, bits, bits)
        np.testing.assert_array_equal(kv.values(0, pending=True).numpy()[0], bits)
        with self.assertRaises(TypeError):
            kv.append(0, bits, half)
        with self.assertRaises(TypeError):
            kv.append(0, bits, half.astype(np.float32))

    def test_strided_and_wide_rows_are_converted(self):
        kv, _ = cache()
        wide = np.arange(256, dtype=np.float64).reshape(2, 128)[:, ::2]
        kv.append(0, wide, wide.tolist(), 2)
        np.testing.assert_array_equal(kv.keys(0, pending=True).numpy(), wide)
        np.testing.assert_array_equal(kv.values(0, pending=True).numpy(), wide)

    def test_errors_by_code(self):
        kv, rows = cache(7)
        row = np.zeros(64)
        for name, call in (("ShapeError", lambda: kv.append(0, row[:63], row)), ("RangeError", lambda: kv.append(2, row, row)),
                           ("FullError", lambda: kv.append(0, np.zeros(128), np.zeros(128), 2)),
                           ("ArgError", lambda: kv.append(0, row, row, 0)), ("RangeError", lambda: kv.truncate(8)),
                           ("RangeError", lambda: kv.keys(2)), ("UnsupportedError", lambda: cache(k_type="i8")),
                           ("ShapeError", lambda: infermem.Kv(1, 1, 8, 4, "q8_0"))):
            with self.fails(name):
                call()
        with self.assertRaises(ValueError):
            infermem.Kv(2, 1, 8, 4, ["f32"])
        np.testing.assert_array_equal(kv.read(1, "k"), rows[1, 0])
        kv, _ = cache(k_type="q8_0")
        with self.fails("NotFiniteError", got=3):
            kv.append(0, np.where(np.arange(64) == 3, np.nan, 0), np.zeros(64))

    def test_tokens_go_and_move(self):
        kv, rows = cache(7)
        self.assertEqual(kv.keep(1, 3), 3)
        np.testing.assert_array_equal(kv.read(0, "k"), rows[0, 0][[0, 4, 5, 6]])
        kv.truncate(2)
        other, _ = cache(3, seed=1)
        other.copy_prefix(kv, 2)
        np.testing.assert_array_equal(other.read(1, "v"), rows[1, 1][[0, 4]])
        with self.fails("ArgError"):
            other.copy_prefix(other, 1)
        address = other.keys(0)._view.data
        other.clear(zero=True)
        self.assertEqual((len(other), other.keys_mut(0).shape, other.generation), (0, (0, 64), 2))
        other.append(0, rows[0, 0, 0], rows[0, 0, 0])
        self.assertEqual(other.keys(0)._view.data, address)
        kv.clear()
        self.assertEqual(len(kv), 0)

    def test_values_can_be_changed_in_place(self):
        kv, rows = cache(3)
        kv.values_mut(0).numpy()[1] = 9
        np.testing.assert_array_equal(kv.read(0, "v", 1, 1), np.full((1, 64), 9))
        tape = infermem.Tape(1 << 20)
        kv, _ = cache(2, tape=tape)
        tape.seal()
        with self.fails("SealedError"):
            kv.keys_mut(0)
        tape.unseal()
        tape.clear()
        with self.fails("StaleError"):
            kv.keys(0)


class Attention(support.Case):
    @staticmethod
    def expected(q, rows, scale):
        """Of 4 query heads, 2 to a head of keys, in double precision."""
        out = np.empty((4, 32))
        for head in range(4):
            part = slice(head // 2 * 32, head // 2 * 32 + 32)
            scores = rows[0][:, part].astype(np.float64) @ q[head] * scale
            weights = np.exp(scores - scores.max())
            out[head] = weights / weights.sum() @ rows[1][:, part]
        return out

    def test_attention_is_that_of_the_textbook(self):
        kv, rows = cache(7)
        q = np.random.default_rng(3).standard_normal((4, 32)).astype(np.float32)
        expected = self.expected(q, rows[1], 32 ** -0.5)
        out = kv.attend(1, q, n_q_heads=4)
        self.assertEqual(out.shape, (1, 4, 32))
        np.testing.assert_allclose(out[0], expected, atol=1e-5)
        parts = [kv.attend_partial(1, q, first, n, n_q_heads=4) for first, n in ((0, 3), (3, 4))]
        np.testing.assert_allclose(infermem.attend_merge(parts), expected, atol=1e-5)
        shared = np.full((1, 4, 32), 7, np.float32)
        kv.attend(1, q, n_q_heads=4, first_head=0, n_heads=1, out=shared)
        self.assertTrue((shared[0, 2:] == 7).all())
        kv.attend(1, q, n_q_heads=4, first_head=1, out=shared)
        np.testing.assert_array_equal(shared, out)
        np.testing.assert_allclose(kv.attend(1, q, n_q_heads=4, window=1)[0, 0], rows[1, 1, 6, :32], atol=1e-5)

    def test_errors_by_code(self):
        kv, _ = cache(3)
        q = np.zeros((2, 32))
        for name, options in (("ShapeError", {"q": q[:1]}), ("ArgError", {"n_q_heads": 3}), ("LimitError", {"n_q_tokens": 65}),
                              ("RangeError", {"n_q_tokens": 4}), ("ArgError", {"scale": np.inf}), ("RangeError", {"layer": 2}),
                              ("RangeError", {"first_head": 1, "n_heads": 2})):
            with self.fails(name):
                kv.attend(**{"layer": 0, "q": q, **options})
        for out in (np.empty((1, 2, 32)), np.empty((1, 2, 34), np.float32)[..., :32]):
            with self.assertRaises(TypeError):
                kv.attend(0, q, out=out)
        with self.assertRaises(ValueError):
            kv.attend_partial(0, q, 0, 3, out=np.empty((2, 32), np.float32))
        with self.assertRaises(ValueError):
            infermem.attend_merge(np.zeros(4))


class Saving(support.Case):
    def test_a_cache_comes_back_from_a_file_and_from_an_object(self):
        kv, rows = cache(5, k_type="q8_0")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "käche")
            kv.save(path, b"model")
            self.assertEqual(path.stat().st_size, kv.saved_bytes)
            buffer = io.BytesIO()
            kv.save(buffer, b"model")
            self.assertEqual(buffer.getvalue(), path.read_bytes())
            facts = infermem.verify_saved(path)
            self.assertEqual((facts["n_tokens"], facts["fingerprint"], facts["k_type"], facts["file_bytes"]),
                             (5, b"model", "q8_0", kv.saved_bytes))
            for source in (path, str(path), os.fsencode(path), io.BytesIO(buffer.getvalue())):
                other, _ = cache(2, seed=9, k_type="q8_0")
                other.load(source, b"model")
                self.assertEqual(len(other), 5)
                np.testing.assert_array_equal(other.keys(1).bytes(), kv.keys(1).bytes())
                np.testing.assert_array_equal(other.read(0, "v"), rows[0, 1])

    def test_objects_may_give_and_take_a_few_bytes_at_a_time(self):
        kv, _ = cache(3)

        class Short:
            def __init__(self, data=b""):
                self.data, self.at = bytearray(data), 0

            def write(self, data):
                self.data += data[:100]
                return min(len(data), 100)

            def read(self, n):
                part = self.data[self.at:self.at + min(n, 77)]
                self.at += len(part)
                return memoryview(part)

        short = Short()
        kv.save(short)
        self.assertEqual(len(short.data), kv.saved_bytes)
        other, _ = cache()
        other.load(Short(short.data))
        np.testing.assert_array_equal(other.read(1, "k"), kv.read(1, "k"))

    def test_what_an_object_raises_comes_out_and_changes_nothing(self):
        kv, rows = cache(3)
        saved = io.BytesIO()
        kv.save(saved)

        class Broken(Exception):
            pass

        class Fails:
            def __init__(self, failure):
                self.failure, self.n = failure, 0

            def write(self, data):
                return self.read(len(data)) and len(data)

            def read(self, n):
                self.n += 1
                if self.n > 2:
                    raise self.failure
                return saved.read(n)

        for kind in (Broken, KeyboardInterrupt, OSError):
            failure = kind("no")
            for call in (kv.save, kv.load):
                saved.seek(0)
                with self.assertRaises(kind) as caught:
                    call(Fails(failure))
                self.assertIs(caught.exception, failure)
        np.testing.assert_array_equal(kv.read(1, "k"), rows[1, 0])

    def test_what_an_object_gives_wrongly_is_refused(self):
        kv, _ = cache(3)

        class Wrong:
            def __init__(self, given):
                self.given = given

            def write(self, data):
                return self.given

            def read(self, n):
                return self.given

        for given, kind in (("text", TypeError), (None, TypeError), (b"x" * (1 << 20), ValueError)):
            with self.assertRaises(kind):
                kv.load(Wrong(given))
        with self.fails("TruncatedError"):
            kv.load(Wrong(b""))
        for given in (0, -3, 1 << 40):
            with self.fails("IoError"):
                kv.save(Wrong(given))
        for given in ("3", 1.0):
            with self.assertRaises(TypeError):
                kv.save(Wrong(given))

    def test_errors_by_code(self):
        kv, rows = cache(3)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "saved")
            kv.save(path, b"one")
            data = pathlib.Path(path).read_bytes()
            broken = bytearray(data)
            broken[-9] ^= 1
            for name, source in (("CorruptError", bytes(broken)), ("TruncatedError", data[:-1]), ("FormatError", b"x" * 999),
                                 ("TruncatedError", b"")):
                with self.fails(name):
                    kv.load(io.BytesIO(source), b"one")
            with self.fails("FingerprintError"):
                kv.load(path, b"two")
            with self.fails("IoError", errno=2):
                kv.load(path + "x")
            with self.fails("LimitError"):
                kv.save(path, b"x" * 65)
            for fingerprint in ("text", 5, None):
                with self.assertRaises(TypeError):
                    kv.save(path, fingerprint)
            with self.fails("ArgError"):
                kv.save(folder)
            with self.fails("ShapeError"):
                infermem.Kv(1, 2, 32, 8, "f32", "f32").load(path, b"one")
            with self.fails("FullError"):
                cache(max_tokens=2)[0].load(path, b"one")
            pathlib.Path(path).write_bytes(broken)
            with self.fails("CorruptError"):
                infermem.verify_saved(path)
        np.testing.assert_array_equal(kv.read(0, "k"), rows[0, 0])

    def test_saved_caches_of_the_repository_are_read(self):
        files = sorted((support.DATA / "kv").glob("*.kv")) or sorted((support.DATA / "kv").iterdir())
        for path in files:
            facts = infermem.verify_saved(path)
            kv = infermem.Kv(facts["n_layers"], facts["n_kv_heads"], facts["head_dim"], max(1, facts["n_tokens"]),
                             facts["k_type"], facts["v_type"], head_dim_v=facts["head_dim_v"], flags=facts["flags"])
            if facts["is_mixed"]:
                continue
            kv.load(path, facts["fingerprint"])
            self.assertEqual(len(kv), facts["n_tokens"])


class Rotation(support.Case):
    def test_rotated_rows_are_read_as_they_were(self):
        kv, rows = cache(4, flags=constants.INFERMEM_KV_ROTATE_K)
        self.assertFalse(np.allclose(kv.keys(0).numpy(), rows[0, 0]))
        np.testing.assert_allclose(kv.read(0, "k"), rows[0, 0], atol=1e-5)


if __name__ == "__main__":
    unittest.main()
