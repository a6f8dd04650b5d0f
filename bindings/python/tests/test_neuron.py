import gc
import os
import pathlib
import queue
import tempfile
import threading
import time
import unittest

import numpy as np
import support

import infermem


class Counting(support.Case):
    def test_neurons_are_sorted_into_hot_and_cold(self):
        with infermem.Neuron(100, n_layers=2, threshold=0.5) as neuron:
            for event in range(10):
                neuron.record(1, [3, 99] if event % 2 else [3])
            self.assertEqual(neuron.hot(1).size, 0)
            neuron.reclassify(1)
            hot, cold = neuron.hot(1), neuron.cold(1)
            self.assertEqual((hot.tolist(), hot.dtype, cold.size), ([3, 99], np.uint32, 98))
            self.assertEqual(sorted([*hot, *cold]), list(range(100)))
            self.assertEqual((neuron.is_hot(1, 3), neuron.is_hot(1, 4), neuron.frequency(1, 99)), (True, False, 0.5))
            facts = neuron.stat(1)
            self.assertEqual((facts["n_hot"], facts["events"], facts["hot_ratio"]), (2, 10, 0.02))
            neuron.clear()
            self.assertEqual(hot.tolist(), [3, 99])  # a copy
            self.assertEqual((neuron.hot(1).size, neuron.stat(1)["events"]), (0, 0))

    def test_events_may_be_told_in_three_ways(self):
        active = [0, 7, 8, 19]
        mask = np.zeros(20, bool)
        mask[active] = True
        values = np.where(mask, -2.0, 0.5)
        neurons = [infermem.Neuron(20) for _ in range(4)]
        neurons[0].record(0, active)
        neurons[1].record_mask(0, mask)
        neurons[2].record_mask(0, np.packbits(mask, bitorder="little"))
        neurons[3].record_values(0, values, cutoff=1)
        for neuron in neurons:
            neuron.reclassify(0)
            self.assertEqual(neuron.hot(0).tolist(), active)

    def test_budgets_and_coverage(self):
        neuron = infermem.Neuron(10, budget_count=2)
        for i in range(10):
            for _ in range(i):
                neuron.record(0, [i])
        neuron.reclassify(0)
        self.assertEqual(neuron.hot(0).tolist(), [8, 9])
        np.testing.assert_allclose(neuron.coverage(0, [0, 0.2, 1]), [0, 17 / 45, 1])
        with self.fails("ArgError", got=1):
            neuron.coverage(0, [0.5, 1.5])

    def test_profiles_are_saved_loaded_and_merged(self):
        a, b = infermem.Neuron(10, threshold=0.5), infermem.Neuron(10, threshold=0.5)
        a.record(0, [1])
        b.record(0, [2])
        b.record(0, [1])
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "profile")
            a.save(path)
            loaded = infermem.Neuron.load(path)
            loaded.merge([b, a])
            self.assertEqual((loaded.stat(0)["events"], loaded.frequency(0, 1), loaded.hot(0).tolist()), (4, 0.75, [1]))
            with self.fails("ArgError"):
                loaded.merge([loaded])
            with self.fails("ShapeError"):
                loaded.merge([infermem.Neuron(11)])
            path.write_bytes(path.read_bytes()[:-1])
            with self.fails("TruncatedError"):
                infermem.Neuron.load(path)
            with self.fails("IoError", errno=2):
                infermem.Neuron.load(os.path.join(folder, "no such"))
        for saved in (support.DATA / "neuron").glob("*.neuron"):
            infermem.Neuron.load(saved).reclassify(0)

    def test_errors_by_code(self):
        strict = infermem.Neuron(10, strict=True)
        loose = infermem.Neuron(10)
        loose.record(0, [10])
        self.assertEqual(loose.stat(0)["out_of_range"], 1)
        for name, call in (("RangeError", lambda: strict.record(0, [10])), ("RangeError", lambda: strict.record(1, [0])),
                           ("ShapeError", lambda: strict.record_mask(0, np.zeros(3, np.uint8))),
                           ("ShapeError", lambda: strict.record_values(0, np.zeros(9))),
                           ("NotFiniteError", lambda: strict.record_values(0, np.full(10, np.nan))),
                           ("ArgError", lambda: strict.record_values(0, np.zeros(10), cutoff=-1)),
                           ("RangeError", lambda: strict.hot(1)), ("ArgError", lambda: infermem.Neuron(0)),
                           ("ArgError", lambda: infermem.Neuron(10, threshold=2))):
            with self.fails(name):
                call()
        for wrong, kind in (([-1], IndexError), ([1 << 32], IndexError), ([0.5], TypeError)):
            with self.assertRaises(kind):
                loose.record(0, wrong)
        self.assertEqual(strict.stat(0)["events"], 0)
        tape = infermem.Tape(1 << 16)
        neuron = infermem.Neuron(10, tape=tape)
        tape.clear()
        with self.fails("StaleError"):
            neuron.record(0, [1])


def row_of(id):
    return np.full(100, id, np.uint8)


class Stores(support.Case):
    def store(self, load=None, **options):
        calls = []

        def fill(ids, rows, done):
            calls.append(ids.tolist())
            for id, row in zip(ids, rows):
                row[:] = row_of(id)

        store = infermem.NeuronStore(4 * 128, load=load or fill, n_rows=50, row_bytes=100, **options)
        return store, calls

    def test_rows_are_loaded_once(self):
        store, calls = self.store()
        rows = store.fetch([7, 3, 7])
        self.assertEqual(calls, [[7, 3]])
        for id, row in zip((7, 3, 7), rows):
            np.testing.assert_array_equal(row, row_of(id))
            self.assertTrue(row.ctypes.data % 64 == 0 and not row.flags.writeable)
        self.assertEqual(rows[0].ctypes.data, rows[2].ctypes.data)
        self.assertEqual(store.fetch([3])[0].ctypes.data, rows[1].ctypes.data)
        facts = store.stat()
        self.assertEqual((facts["hits"], facts["misses"], facts["loads"], facts["capacity"], facts["resident"]), (1, 2, 1, 4, 2))
        self.assertTrue(store.has(7) and not store.has(8))
        store.release()
        store.fetch(range(10, 14))
        self.assertFalse(store.has(7))
        self.assertEqual(store.fetch([]), [])
        store.close()
        np.testing.assert_array_equal(rows[1].shape, (100,))

    def test_rows_outlive_the_store(self):
        store, _ = self.store()
        row, = store.fetch([9])
        store.close()
        gc.collect()
        np.testing.assert_array_equal(row, row_of(9))

    def test_rows_of_a_matrix(self):
        w = np.arange(80, dtype=np.float32).reshape(10, 8)
        store = infermem.NeuronStore(1 << 12, quant=infermem.Quant.borrow("f32", w, 10, 8), policy="hot")
        neuron = infermem.Neuron(10)
        neuron.record(0, [2])
        store.rank(neuron)
        gc.collect()
        np.testing.assert_array_equal(store.fetch([2, 9]), w[[2, 9]])
        with self.fails("ShapeError"):
            store.rank(infermem.Neuron(11))

    def test_kept_rows_stay(self):
        store, calls = self.store()
        store.keep([1, 2])
        for id in range(10, 20):
            store.fetch([id])
        self.assertTrue(store.has(1) and store.has(2))
        self.assertEqual(calls[0], [1, 2])

    def test_a_fetch_that_does_not_wait(self):
        pending = []

        def load(ids, rows, done):
            pending.append((ids, rows, done))
            return infermem.PENDING

        store, _ = self.store(load)
        fetch = store.fetch_begin([4, 5])
        self.assertFalse(fetch.is_ready)
        (ids, rows, done), = pending
        for id, row in zip(ids, rows):
            row[:] = row_of(id)
        done()
        self.assertTrue(fetch.is_ready)
        for id, row in zip((4, 5), fetch.wait()):
            np.testing.assert_array_equal(row, row_of(id))
        with self.assertRaises(ValueError):
            done()
        fetch.end()
        fetch.end()
        with self.assertRaises(ValueError):
            fetch.wait()
        with store.fetch_begin([6]) as fetch:
            pending.pop()[2](failed=True)
            with self.fails("IoError"):
                fetch.wait()
        self.assertFalse(store.has(6))

    def test_fetches_that_are_forgotten_are_ended(self):
        store, _ = self.store()
        for _ in range(20):
            store.fetch_begin([1, 2])
        self.assertEqual(store.stat()["in_use"], 0)
        held = [store.fetch_begin([1]) for _ in range(4)]
        with self.fails("StateError"):
            store.fetch_begin([1])
        self.assertEqual(len(held), 4)

    def test_loads_of_other_threads(self):
        work = queue.Queue()

        def loader():
            while True:
                job = work.get()
                if job is None:
                    return
                ids, rows, done = job
                for id, row in zip(ids, rows):
                    row[:] = row_of(id)
                del rows, row
                time.sleep(0.001)
                done()
                del job, done

        thread = threading.Thread(target=loader)
        thread.start()

        def load(*job):
            work.put(job)
            return infermem.PENDING

        store, _ = self.store(load)
        for id in range(30):
            np.testing.assert_array_equal(store.fetch([id % 7])[0], row_of(id % 7))
        store.fetch_begin([49])  # forgotten while it is loaded
        store.close()
        work.put(None)
        thread.join()

    def test_a_load_that_nobody_completes_fails(self):
        store, _ = self.store(lambda ids, rows, done: infermem.PENDING)
        with self.fails("IoError"):
            store.fetch([1])
        store.close()

    def test_what_a_load_raises_comes_out(self):
        failures = [KeyError("no"), KeyboardInterrupt()]

        def load(ids, rows, done):
            if failures:
                raise failures.pop(0)
            rows[0][:] = 1
            return "something"

        store, _ = self.store(load)
        for kind in (KeyError, KeyboardInterrupt, TypeError):
            with self.assertRaises(kind):
                store.fetch([1])
        self.assertFalse(store.has(1))
        self.assertEqual(store.stat()["failures"], 3)

    def test_the_store_is_freed_though_it_keeps_the_function(self):
        gc.disable()
        self.addCleanup(gc.enable)
        import test_arrays
        stores, restore = test_arrays.freed(infermem.NeuronStore)
        self.addCleanup(restore)
        store, _ = self.store()
        store.fetch([1])
        del store
        self.assertEqual(stores, [1])

    def test_errors_by_code(self):
        store, _ = self.store()
        for name, call in (("RangeError", lambda: store.fetch([50])), ("FullError", lambda: store.fetch(range(5))),
                           ("StateError", lambda: store.rank(infermem.Neuron(50))),
                           ("ArgError", lambda: infermem.NeuronStore(100)),
                           ("ArgError", lambda: infermem.NeuronStore(1, load=print, n_rows=1, row_bytes=100)),
                           ("ArgError", lambda: self.store(half_life=3))):
            with self.fails(name):
                call()
        with self.assertRaises(KeyError):
            self.store(policy="oldest")


if __name__ == "__main__":
    unittest.main()
