import copy
import gc
import sys
import threading
import unittest

import numpy as np
import support

import infermem
from infermem import _arrays, constants


def filled_cache(n=3, **options):
    kv = infermem.Kv(2, 2, 32, 8, **options)
    rows = np.arange(n * 64, dtype=np.float32).reshape(n, 64)
    for layer in range(2):
        kv.append(layer, rows + layer, -rows, n)
    kv.advance(n)
    return kv, rows


def freed(owner_type):
    """A list that grows by one with each handle of that class that is freed."""
    calls, free = [], owner_type._owner_type._free

    def count(pointer):
        calls.append(1)
        free(pointer)

    owner_type._owner_type._free = staticmethod(count)
    return calls, lambda: setattr(owner_type._owner_type, "_free", staticmethod(free))


class Counting(support.Case):
    def setUp(self):
        self.freed, restore = freed(infermem.Kv)
        self.addCleanup(restore)


class Lifetime(Counting):
    def test_an_array_keeps_the_memory_of_a_closed_cache(self):
        kv, rows = filled_cache(k_type="f32")
        keys = kv.keys(1).numpy()
        kv.close()
        gc.collect()
        self.assertEqual(self.freed, [])
        np.testing.assert_array_equal(keys, rows + 1)
        part = keys[1:, ::2]
        del keys
        np.testing.assert_array_equal(part, (rows + 1)[1:, ::2])
        self.assertEqual(self.freed, [])
        del part
        self.assertEqual(self.freed, [1])

    def test_what_is_dropped_is_freed_at_once_and_once(self):
        kv, _ = filled_cache()
        view = kv.keys(0)
        del kv
        self.assertEqual(self.freed, [])
        del view
        self.assertEqual(self.freed, [1])
        kv, _ = filled_cache()
        kv.close()
        kv.close()
        del kv
        self.assertEqual(self.freed, [1, 1])

    def test_a_failed_call_leaves_nothing_behind(self):
        for _ in range(3):
            with self.fails("ArgError"):
                infermem.Kv(0, 1, 1, 1)
        gc.collect()
        self.assertEqual(self.freed, [])

    def test_a_tape_outlives_what_is_stored_in_it(self):
        tapes, restore = freed(infermem.Tape)
        self.addCleanup(restore)
        tape = infermem.Tape(1 << 20)
        kv = infermem.Kv(1, 1, 32, 4, "f32", "f32", tape=tape)
        kv.append(0, np.ones(32), np.ones(32))
        kv.advance()
        keys = kv.keys(0).numpy()
        tape.close()
        del tape
        kv.close()
        gc.collect()
        self.assertEqual(tapes, [])
        self.assertEqual(keys[0, 31], 1)
        del keys
        self.assertEqual((self.freed, tapes), ([1], [1]))

    def test_a_layout_outlives_its_tapes(self):
        layouts, restore = freed(infermem.Layout)
        self.addCleanup(restore)
        layout = infermem.Layout(weights_size=4096, scratch_size=4096)
        self.assertIsNone(layout.history)
        numbers = layout.weights.empty((4, 4))
        scratch = layout.scratch
        layout.close()
        numbers[:] = 7
        self.assertEqual(numbers.sum(), 112)
        scratch.alloc(100)
        self.assertEqual((scratch.used, layouts), (100, []))
        del scratch, numbers
        self.assertEqual(layouts, [1])

    def test_close_in_another_thread_waits_for_the_call(self):
        kv, _ = filled_cache()
        inside, go_on = threading.Event(), threading.Event()

        class Slow:
            def write(self, data):
                inside.set()
                go_on.wait()

        thread = threading.Thread(target=kv.save, args=(Slow(),))
        thread.start()
        inside.wait()
        kv.close()
        gc.collect()
        self.assertEqual(self.freed, [])
        go_on.set()
        thread.join()
        self.assertEqual(self.freed, [1])

    def test_copies_of_an_object_share_the_handle(self):
        kv, _ = filled_cache()
        again = copy.copy(kv)
        kv.close()
        self.assertEqual(len(again), 3)
        del again
        self.assertEqual(self.freed, [1])

    def test_no_cycle_keeps_a_model_mapped(self):
        models, restore = freed(infermem.Model)
        self.addCleanup(restore)
        gc.disable()
        self.addCleanup(gc.enable)
        model = infermem.Model(support.MODEL)
        self.assertTrue(len(model.metadata) and len(model.tensors))
        del model
        self.assertEqual(models, [1])


class Views(support.Case):
    def test_a_view_is_the_memory_itself(self):
        kv, rows = filled_cache(k_type="f32")
        view = kv.keys(0)
        first, second = view.numpy(), np.asarray(kv.keys(0))
        self.assertEqual(first.ctypes.data, second.ctypes.data)
        self.assertEqual(first.ctypes.data, view._view.data)
        self.assertEqual((view.shape, view.strides, view.dtype, view.nbytes), ((3, 64), (256, 4), "f32", 768))
        self.assertEqual((len(view), repr(view)), (3, "View(shape=(3, 64), dtype='f32')"))
        written = kv.keys_mut(0).numpy()
        self.assertEqual(written.ctypes.data, first.ctypes.data)
        written[2, 63] = 5
        self.assertEqual(first[2, 63], 5)

    def test_what_is_read_only_cannot_be_written(self):
        kv, _ = filled_cache(k_type="f32")
        view = kv.keys(0)
        self.assertTrue(view.readonly)
        for array in (view.numpy(), view.bytes()):
            self.assertFalse(array.flags.writeable)
            with self.assertRaises(ValueError):
                array.flags.writeable = True
        self.assertFalse(kv.values_mut(0).readonly)

    def test_types_that_numpy_lacks_are_shown_by_bits_and_bytes(self):
        kv, rows = filled_cache(k_type="bf16", v_type="q8_0")
        keys = kv.keys(0)
        self.assertEqual((keys.dtype, keys.numpy().dtype), ("bf16", np.uint16))
        np.testing.assert_array_equal((keys.numpy().astype(np.uint32) << 16).view(np.float32), rows)
        values = kv.values(0)
        with self.assertRaises(TypeError):
            values.numpy()
        self.assertEqual((values.dtype, values.nbytes, values.bytes().size), ("q8_0", 3 * 68, 3 * 68))
        self.assertEqual(values.bytes().ctypes.data, values._view.data)

    def test_an_empty_view_is_an_empty_array(self):
        with infermem.Kv(1, 1, 8, 4) as kv:
            self.assertEqual(kv.keys(0).numpy().shape, (0, 8))
            self.assertEqual(kv.keys(0).bytes().size, 0)

    @unittest.skipIf(sys.version_info < (3, 12), "classes have buffers from Python 3.12 on")
    def test_a_view_has_a_buffer(self):
        kv, rows = filled_cache(k_type="f32")
        buffer = memoryview(kv.keys(0))
        self.assertTrue(buffer.readonly)
        self.assertEqual(buffer.tobytes(), rows.tobytes())


class DLPack(Counting):
    def setUp(self):
        super().setUp()
        gc.collect()
        _arrays._sweep()
        self.assertEqual((len(_arrays._passed_on), len(_arrays._given)), (0, 0))

    def test_numpy_takes_the_memory_and_keeps_it(self):
        kv, rows = filled_cache(k_type="f32")
        view = kv.keys_mut(1)
        array = np.from_dlpack(view)
        self.assertEqual(array.ctypes.data, view.numpy().ctypes.data)
        np.testing.assert_array_equal(array, rows + 1)
        kv.close()
        del view, kv
        gc.collect()
        self.assertEqual(self.freed, [])
        self.assertEqual(array[2, 63], rows[2, 63] + 1)
        del array
        self.assertEqual((self.freed, len(_arrays._passed_on)), ([1], 0))

    def test_what_is_read_only_is_only_passed_on_to_who_knows(self):
        kv, _ = filled_cache(k_type="f32")
        with self.assertRaises(BufferError):
            kv.keys(0).__dlpack__()
        self.assertEqual(len(_arrays._passed_on), 0)
        capsule = kv.keys(0).__dlpack__(max_version=(1, 0))
        self.assertIn("dltensor_versioned", repr(capsule))
        flags = _arrays._given[0][2].contents.flags
        self.assertEqual(flags, constants.INFERMEM_DLPACK_READONLY)
        del capsule
        _arrays._sweep()
        self.assertEqual(len(_arrays._passed_on), 0)
        kv.close()
        self.assertEqual(self.freed, [1])

    def test_a_capsule_outlives_its_view(self):
        kv, rows = filled_cache(k_type="f32")

        class Holder:  # what torch.from_dlpack(capsule) is given
            def __init__(self, capsule):
                self.capsule = capsule

            def __dlpack__(self, **options):
                return self.capsule

            def __dlpack_device__(self):
                return 1, 0

        capsule = kv.keys_mut(0).__dlpack__()
        kv.close()
        gc.collect()
        filled_cache()[0].keys(0).__dlpack__(max_version=(1, 1))  # sweeps
        array = np.from_dlpack(Holder(capsule))
        del capsule
        np.testing.assert_array_equal(array, rows)
        del array
        _arrays._sweep()
        self.assertEqual(self.freed, [1, 1])

    def test_capsules_that_nobody_took_are_released(self):
        kv, _ = filled_cache(k_type="f32")
        for version in (None, (1, 0), (2, 3)):
            kv.keys_mut(0).__dlpack__(max_version=version)
        kv.close()
        infermem.Tape(4096).alloc(1)  # any view's end will do
        self.assertEqual((len(_arrays._passed_on), len(_arrays._given), self.freed), (0, 0, [1]))

    def test_what_numpy_refuses_is_released(self):
        kv, _ = filled_cache(k_type="bf16")
        with self.assertRaises((RuntimeError, BufferError)):
            np.from_dlpack(kv.keys_mut(0))
        gc.collect()
        _arrays._sweep()
        kv.close()
        self.assertEqual((len(_arrays._passed_on), self.freed), (0, [1]))

    def test_what_dlpack_cannot_say_is_refused(self):
        kv, _ = filled_cache(k_type="q8_0")
        with self.fails("UnsupportedError"):
            kv.keys_mut(0).__dlpack__()
        view = kv.values_mut(0)
        for options in ({"copy": True}, {"dl_device": (2, 0)}):
            with self.assertRaises(BufferError):
                view.__dlpack__(**options)
        view.__dlpack__(dl_device=(1, 0), copy=False, stream=None)
        self.assertEqual(view.__dlpack_device__(), (1, 0))
        del view
        _arrays._sweep()

    def test_a_deleter_may_run_in_another_thread(self):
        kv, _ = filled_cache(k_type="f32")
        arrays = [np.from_dlpack(kv.keys_mut(i % 2)) for i in range(50)]
        kv.close()
        thread = threading.Thread(target=arrays.clear)
        thread.start()
        thread.join()
        self.assertEqual((self.freed, len(_arrays._passed_on)), ([1], 0))


class Arguments(support.Case):
    def test_arrays_of_the_type_go_in_as_they_are(self):
        array = np.ones((4, 8), np.float32)
        self.assertIs(_arrays.array_in(array), array)
        self.assertIs(_arrays.indices_in(indices := np.array([1, 2], np.uintp), np.uintp), indices)

    def test_others_are_converted_where_nothing_is_lost_but_bits(self):
        strided = np.arange(32, dtype=np.float32)[::2]
        swapped = strided.astype(">f4")
        unaligned = np.zeros(65, np.uint8)[1:].view(np.float32)
        unaligned[:] = strided
        for data in (strided, swapped, unaligned, strided.astype(np.float64), strided.astype(np.int32), strided.tolist()):
            array = _arrays.array_in(data)
            self.assertTrue(array.dtype == np.float32 and array.flags.c_contiguous and array.flags.aligned)
            np.testing.assert_array_equal(array, strided)
        for data in (strided.astype(np.complex64), ["a"], [object()]):
            with self.assertRaises(TypeError):
                _arrays.array_in(data)
        with self.assertRaises(TypeError):
            _arrays.array_in([1.5], np.uint16)

    def test_indices_are_not_cut(self):
        for bad in ([-1], [1 << 32], np.array([1 << 40])):
            with self.assertRaises(IndexError):
                _arrays.indices_in(bad, np.uint32)
        with self.assertRaises(TypeError):
            _arrays.indices_in([1.0], np.uint32)
        self.assertEqual(_arrays.indices_in([], np.uint32).size, 0)
        self.assertEqual(_arrays.indices_in(range(3), np.uint32).tolist(), [0, 1, 2])

    def test_out_is_taken_only_where_it_fits(self):
        out = np.empty(6, np.float32)
        self.assertIs(_arrays.array_out(out, (2, 3)), out)
        read_only = np.empty(6, np.float32)
        read_only.flags.writeable = False
        for wrong in (np.empty(6), np.empty(6, np.int32), np.empty(12, np.float32)[::2], read_only, [0.0] * 6,
                      np.empty(6, ">f4"), np.zeros(25, np.uint8)[1:].view(np.float32)):
            with self.assertRaises(TypeError):
                _arrays.array_out(wrong, (2, 3))
        for n in (5, 7):
            with self.assertRaises(ValueError):
                _arrays.array_out(np.empty(n, np.float32), (2, 3))

    def test_bytes_are_those_of_the_object(self):
        for data in (b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), np.frombuffer(b"abcd", np.uint16)):
            self.assertEqual(_arrays.bytes_in(data).tobytes(), b"abcd")
        self.assertEqual(_arrays.bytes_in(b"").size, 0)
        with self.assertRaises(ValueError):
            _arrays.bytes_in(np.arange(8)[::2])
        with self.assertRaises(TypeError):
            _arrays.bytes_in("text")


if __name__ == "__main__":
    unittest.main()
