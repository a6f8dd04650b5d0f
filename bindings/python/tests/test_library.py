import ast
import ctypes
import os
import pickle
import re
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy as np
import support

import infermem
from infermem import _api, _library, constants, errors

# Functions that no line of the package names, and why.
UNUSED = {
    "infermem_api": "functions are found by their names",
    "infermem_error_clear": "an exception has its own copy of the record",
    "infermem_error_name": "an exception's class is the name",
    "scratch_f32": "scratch_view gives the same with its type",
    "scratch_i8": "likewise",
}


class Completeness(support.Case):
    def test_functions_are_those_of_the_list_of_symbols(self):
        lines = (support.TREE / "src/abi/symbols.txt").read_text().splitlines()
        listed = {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}
        self.assertEqual(set(_api.FUNCTIONS) | {"infermem_api"}, listed)

    def test_every_function_is_used(self):
        used = set()
        for path in (support.PACKAGE / "infermem").glob("*.py"):
            if path.name == "_api.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute):
                    used.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    used.add(node.value)  # Handle._free
        missing = set(_api.FUNCTIONS) - used
        self.assertEqual(missing - set(UNUSED), set(), "functions that the package does not use")
        self.assertEqual({name for name in UNUSED if name in _api.FUNCTIONS} - missing, set(), "they are used by now")

    def test_all_that_is_exported_is_there_and_documented(self):
        for name in infermem.__all__:
            value = getattr(infermem, name)
            if isinstance(value, type):
                self.assertTrue(value.__doc__, name)

    def test_public_functions_have_types(self):
        for path in (support.PACKAGE / "infermem").glob("*.py"):
            if path.name == "_api.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
                    arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
                    untyped = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
                    where = f"{path.name}:{node.lineno} {node.name}"
                    self.assertEqual(untyped, [], where)
                    if node.name not in ("from_param", "call", "delete"):
                        self.assertIsNotNone(node.returns, where)

    def test_structs_lie_as_c_lays_them_out(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "layouts")
            compiler = os.environ.get("CC", "cc")
            try:
                subprocess.run([compiler, "-std=c11", f"-I{support.TREE}/include", str(support.TREE / "tests/abi/layouts.c"),
                                "-o", program], check=True)
            except FileNotFoundError:
                self.skipTest("there is no C compiler")
            told = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        seen = set()
        for line in told.splitlines():
            name, *numbers = line.split()
            struct, _, field = name.partition(".")
            kind = getattr(_api, struct)
            if field:
                place = getattr(kind, field)
                self.assertEqual([place.offset, place.size], [int(n) for n in numbers], name)
            else:
                self.assertEqual(ctypes.sizeof(kind), int(numbers[0]), name)
            seen.add(struct)
        self.assertEqual(seen, {kind.__name__ for kind in _api.STRUCTS})


class Errors(support.Case):
    def test_every_code_has_its_exception(self):
        codes = {name: value for name, value in vars(_api).items() if name.startswith("INFERMEM_E_")}
        self.assertEqual(set(errors.BY_CODE), set(codes.values()))
        for name, code in codes.items():
            words = name[len("INFERMEM_E_"):].split("_")
            self.assertEqual(errors.BY_CODE[code].__name__, "".join(map(str.capitalize, words)) + "Error")

    def test_python_s_own_kinds_catch_them(self):
        for ours, python in (("ShapeError", ValueError), ("RangeError", IndexError), ("IoError", OSError),
                             ("NomemError", MemoryError), ("NotFoundError", LookupError), ("TypeError", TypeError),
                             ("OverflowError", OverflowError), ("UnsupportedError", NotImplementedError)):
            self.assertTrue(issubclass(getattr(errors, ours), python), ours)

    def test_an_exception_has_the_record(self):
        with infermem.Tape(4096) as tape:
            with self.fails("FullError", code=constants.INFERMEM_E_FULL, function="tape_alloc", expected=5000, got=4096, os_error=0):
                tape.alloc(5000)

    def test_one_of_the_system_has_its_errno(self):
        with self.fails("IoError", errno=2, os_error=2, function="model_open"):
            infermem.Model("/nowhere/at all")
        with self.assertRaises(OSError):
            infermem.Model("/nowhere/at all")

    def test_exceptions_can_be_pickled(self):
        for kind in errors.BY_CODE.values():
            one = kind("words", "kv_append", 3, 4, 5)
            again = pickle.loads(pickle.dumps(one))
            self.assertIs(type(again), kind)
            self.assertEqual(str(again), "words")
            for name in ("message", "function", "expected", "got", "os_error", "code"):
                self.assertEqual(getattr(again, name), getattr(one, name))
        unknown = pickle.loads(pickle.dumps(errors.InfermemError("words", code=-99)))
        self.assertEqual(unknown.code, -99)

    def test_a_thread_s_failures_are_its_own(self):
        wrong = []

        def fail(size):
            with infermem.Tape(4096) as tape:
                for _ in range(200):
                    try:
                        tape.alloc(size)
                    except errors.FullError as failure:
                        if failure.expected != size:
                            wrong.append((failure.expected, size))

        threads = [threading.Thread(target=fail, args=(5000 + i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_a_code_of_the_caller_s_own_has_words(self):
        with self.assertRaises(errors.InfermemError) as caught:
            _library.check(-77)
        self.assertEqual(caught.exception.code, -77)


class Arguments(support.Case):
    def test_numbers_that_do_not_fit_are_refused_not_cut(self):
        with infermem.Pad(4, 2) as pad:
            pad.append_f32(np.ones((2, 2)))
            for n in (-1, 1 << 64):
                with self.assertRaisesRegex(ValueError, "is not from 0 to"):
                    pad.truncate(n)
            self.assertEqual(len(pad), 2)
        for size in (-1, (1 << 64) + 4096):
            with self.assertRaises(ValueError):
                infermem.Tape(size)
        with self.assertRaises(ValueError):
            infermem.Neuron(1 << 32)

    def test_what_is_no_integer_is_refused(self):
        with infermem.Pad(4, 2) as pad:
            for n in (1.0, "1", None):
                with self.assertRaises(TypeError):
                    pad.truncate(n)

    def test_numpy_s_integers_are_integers(self):
        with infermem.Pad(np.int64(4), np.uint8(2)) as pad:
            pad.append_f32(np.ones((3, 2)))
            pad.truncate(np.int32(1))
            self.assertEqual(len(pad), 1)

    def test_unknown_options_are_refused(self):
        config = infermem.model.config(n_layers=2, hidden=64)
        with self.assertRaisesRegex(TypeError, "contxt"):
            infermem.Plan(config, contxt=4096)
        with self.assertRaises(TypeError):
            infermem.model.config(layers=2)
        with self.assertRaises(TypeError):
            infermem.Quant.from_f32(np.ones((8, 8)), bit=4)

    def test_a_nul_in_a_name_or_path_is_refused(self):
        with self.assertRaisesRegex(ValueError, "NUL"):
            infermem.Model("a\0b")
        with infermem.Model(support.MODEL) as model, self.assertRaisesRegex(ValueError, "NUL"):
            model.metadata["general.architecture\0x"]

    def test_a_handle_of_another_kind_is_refused(self):
        with infermem.Pad(4, 2) as pad, infermem.Kv(1, 1, 8, 4) as kv, self.assertRaises(TypeError):
            kv.copy_prefix(pad, 1)

    def test_types_by_name_by_numpy_and_by_number(self):
        self.assertEqual([infermem.dtype_number(t) for t in ("q8_0", "Q8_0", 8, np.float32, np.dtype("f2"), "float64")],
                         [8, 8, 8, 0, 1, 28])
        self.assertEqual(infermem.dtype_name(8), "q8_0")
        self.assertEqual(infermem.dtype_name(12345), "unknown")
        self.assertEqual(infermem.dtype_block("q4_K"), (256, 144))
        self.assertEqual(infermem.dtype_bytes("q8_0", 64), 68)
        with self.fails("ShapeError"):
            infermem.dtype_bytes("q8_0", 63)
        with self.fails("TypeError"):
            infermem.dtype_block(12345)
        for none in ("q9", np.complex128, object()):
            with self.assertRaises(ValueError):
                infermem.dtype_number(none)

    def test_every_type_numpy_has_takes_its_bytes(self):
        for number, kind in infermem.dtype.NUMPY.items():
            self.assertEqual(infermem.dtype_block(number), (1, kind.itemsize))


class Handles(support.Case):
    def test_a_closed_object_says_so_in_every_call(self):
        tape = infermem.Tape(4096)
        with tape:
            self.assertFalse(tape.closed)
        self.assertTrue(tape.closed)
        tape.close()
        for call in (lambda: tape.used, lambda: tape.alloc(1), tape.__enter__):
            with self.assertRaisesRegex(ValueError, "this Tape is closed"):
                call()

    def test_what_could_not_be_made_is_closed(self):
        made = infermem.Pad.__new__(infermem.Pad)
        with self.fails("ArgError"):
            made.__init__(0, 0)
        self.assertTrue(made.closed)


class Process(support.Case):
    def test_version(self):
        self.assertEqual(infermem.version(), infermem.__version__)
        self.assertRegex(infermem.version(), r"^\d+\.\d+\.\d+$")

    def test_log_lines_come_until_it_is_turned_off(self):
        lines = []
        infermem.set_log(lambda level, line: lines.append((level, line)), "debug")
        try:
            infermem.simd.select("reference")
            infermem.simd.select()
            with infermem.Tape(1 << 20, flags=constants.INFERMEM_TAPE_HUGE | constants.INFERMEM_TAPE_LOCK):
                pass
            infermem.DeviceList().close()
        finally:
            infermem.set_log(None)
        self.assertTrue(lines)
        self.assertTrue(all(level in ("debug", "info", "warn") and line for level, line in lines))
        n = len(lines)
        infermem.DeviceList().close()
        self.assertEqual(len(lines), n)
        with self.assertRaises(KeyError):
            infermem.set_log(None, "loud")

    def test_simd_can_be_chosen(self):
        names = infermem.simd.available()
        self.assertEqual(names[0], "reference")
        try:
            for name in names:
                infermem.simd.select(name)
                self.assertEqual(infermem.simd.name(), name)
            with self.fails("NotFoundError"):
                infermem.simd.select("mmx")
        finally:
            infermem.simd.select()
        self.assertIn(infermem.simd.name(), names)

    def test_a_library_that_cannot_be_loaded_is_an_import_error(self):
        for named, words in (("/nowhere/libinfermem.so.0", "cannot be loaded"), (support.__file__, "cannot be loaded")):
            told = subprocess.run([sys.executable, "-c", "import infermem"], env={**os.environ, "INFERMEM_LIBRARY": named},
                                  capture_output=True, text=True)
            self.assertEqual(told.returncode, 1)
            self.assertRegex(told.stderr, r"ImportError: .*" + re.escape(words))

    def test_devices_and_the_host(self):
        with infermem.DeviceList(cuda=False, amd=False) as devices:
            self.assertEqual(list(devices), [])
            code, words = devices.why_not
            self.assertEqual(code, constants.INFERMEM_DEVICE_WHY_DISABLED)
            self.assertTrue(words)
            self.assertGreater(devices.host()["total_bytes"], 0)
            with self.assertRaises(IndexError):
                devices[0]
            with self.fails("RangeError"):
                devices.facts(0)
        with self.fails("ArgError"):
            infermem.DeviceList(root="relative")


if __name__ == "__main__":
    unittest.main()
