import sys
import threading
import time
import unittest

import numpy as np
import support

import infermem


def together(*functions):
    """Runs them in threads of their own; raises what the first of them raised."""
    failures = []

    def run(function):
        try:
            function()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Threads(support.Case):
    def setUp(self):
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1e-5)

    def test_threads_share_the_rows_of_a_product(self):
        w = np.random.default_rng(1).standard_normal((64, 256)).astype(np.float32)
        q, x = infermem.Quant.from_f32(w).pack(), w[0]
        expected = q.gemv(x)
        for _ in range(20):
            out = np.empty(64, np.float32)
            together(*(lambda i=i: q.gemv(x, 16 * i, 16, out=out[16 * i:16 * i + 16]) for i in range(4)))
            np.testing.assert_array_equal(out, expected)

    def test_threads_share_the_heads_of_attention(self):
        kv = infermem.Kv(1, 4, 32, 64, "f16", "q8_0")
        rows = np.random.default_rng(1).standard_normal((64, 128)).astype(np.float32)
        kv.append(0, rows, rows, 64)
        kv.advance(64)
        q = rows[0]
        expected = kv.attend(0, q)
        for _ in range(20):
            out = np.empty((1, 4, 32), np.float32)
            together(*(lambda i=i: kv.attend(0, q, first_head=i, n_heads=1, out=out) for i in range(4)))
            np.testing.assert_array_equal(out, expected)

    def test_a_tape_serves_many(self):
        tape = infermem.Tape(1 << 20)
        taken = [[] for _ in range(4)]

        def take(i):
            for _ in range(200):
                array = tape.empty(10)
                array[:] = i
                taken[i].append(array)

        together(*(lambda i=i: take(i) for i in range(4)))
        for i, arrays in enumerate(taken):
            self.assertTrue(all((array == i).all() for array in arrays))
        self.assertEqual(len({array.ctypes.data for arrays in taken for array in arrays}), 800)

    def test_records_of_many_threads_all_count(self):
        dispatch = infermem.Dispatch()
        together(*(lambda: [dispatch.record(0, 100) for _ in range(500)] for _ in range(4)))
        self.assertEqual(dispatch.snapshot(0)["latencies"], 2000)

    def test_a_long_call_lets_other_threads_run(self):
        w = np.random.default_rng(1).standard_normal((2048, 2048)).astype(np.float32)
        inside, ticks = threading.Event(), []

        def call():
            inside.set()
            began = time.perf_counter()
            infermem.quantize("q6_k", w)  # slow by nature
            ticks.append(("end", time.perf_counter() - began))

        def tick():
            inside.wait()
            while not any(name == "end" for name, _ in ticks):
                ticks.append(("tick", 0))
                time.sleep(0.001)

        together(call, tick)
        self.assertGreater(len(ticks), 3)

    def test_objects_closed_while_others_use_them(self):
        rows = np.ones((8, 64), np.float32)
        for _ in range(50):
            kv = infermem.Kv(1, 2, 32, 8, "f32", "f32")
            kv.append(0, rows, rows, 8)
            kv.advance(8)

            def use():
                try:
                    while True:
                        self.assertEqual(float(kv.keys(0).numpy()[7, 63]), 1)
                        kv.read(0, "k")
                except ValueError as failure:
                    self.assertIn("is closed", str(failure))

            def end():
                time.sleep(0.0005)
                kv.close()

            together(use, use, end)

    def test_the_log_is_changed_while_others_log(self):
        lines, stop = [], threading.Event()

        def change():
            for _ in range(200):
                infermem.set_log(lambda level, line: lines.append(line), "debug")
                infermem.set_log(None)
            stop.set()

        def work():
            while not stop.is_set():
                infermem.DeviceList(cuda=False, amd=False).close()

        try:
            together(change, work, work)
        finally:
            infermem.set_log(None)


if __name__ == "__main__":
    unittest.main()
