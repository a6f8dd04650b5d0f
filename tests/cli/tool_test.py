"""The infermem command as a user meets it: what it prints, what it says to machines, and its exit statuses.

usage: tool_test.py INFERMEM MODEL DRIVERS
DRIVERS is a folder with stand-ins for the drivers' libraries, which answer what the environment says.
"""
import json
import os
import pty
import resource
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL, MODEL, DRIVERS = sys.argv[1:4]
DONE, FAILED, USAGE, NO = 0, 1, 2, 3


def run(*arguments, **options):
    environment = dict(os.environ, LC_ALL="C.UTF-8", **options.pop("env", {}))
    environment.pop("NO_COLOR", None)
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=120, env=environment, **options)


class Tool(unittest.TestCase):
    def assert_done(self, result, status=DONE):
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stdout

    def assert_refused(self, status, *arguments, says=""):
        result = run(*arguments)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertIn(says, result.stderr)
        self.assertTrue(result.stderr.startswith("infermem"))

    def test_usage_goes_where_it_belongs(self):
        self.assertIn("quantize", self.assert_done(run("--help")))
        self.assertRegex(self.assert_done(run("--version")), r"^infermem \d+\.\d+\.\d+\n$")
        result = run()
        self.assertEqual((result.returncode, result.stdout), (USAGE, ""))
        for command in ("plan", "inspect", "probe", "quantize", "verify", "bench"):
            self.assertIn("usage: infermem " + command, self.assert_done(run(command, "--help")))

    def test_nonsense_is_refused(self):
        self.assert_refused(USAGE, "dance", says="dance")
        self.assert_refused(USAGE, "inspect", says="one model file")
        self.assert_refused(USAGE, "inspect", "--nothing", MODEL, says="--nothing")
        self.assert_refused(USAGE, "inspect", "--json=yes", MODEL, says="no value")
        self.assert_refused(USAGE, "probe", "operand")
        self.assert_refused(USAGE, "verify")
        self.assert_refused(USAGE, "quantize", MODEL, says="--output")
        self.assert_refused(USAGE, "quantize", MODEL, "-o", "/tmp/x", "--bits", "5k", says="--bits")
        self.assert_refused(USAGE, "quantize", MODEL, "-o", "/tmp/x", "--params", "f15", says="f15")
        self.assert_refused(USAGE, "quantize", MODEL, "-o", "/tmp/x", "--bits", "5", says="4 or 8")
        self.assert_refused(USAGE, "quantize", MODEL, "-o", "/tmp/x", "--group", "9", says="multiple of 8")
        self.assert_refused(USAGE, "quantize", MODEL, "-o", "/tmp/x", "--params", "q4_0", says="bf16")
        self.assert_refused(USAGE, "probe", "--color=pink", says="pink")
        self.assert_refused(USAGE, "bench", "--seconds", "0")
        self.assert_refused(USAGE, "bench", "--seconds", says="takes a value")
        self.assert_refused(FAILED, "inspect", "/nonexistent/model.gguf", says="nonexistent")
        self.assert_refused(FAILED, "inspect", "/nonexistent/\x1b[2J.gguf", says="\\x1b[2J")

    def test_inspect_tells_what_the_file_says(self):
        text = self.assert_done(run("inspect", MODEL, "--tensors", "--metadata"))
        self.assertIn("llama", text)
        self.assertIn("token_embd.weight", text)
        self.assertIn("general.architecture", text)
        self.assertNotIn("\x1b", text)
        said = json.loads(self.assert_done(run("inspect", "--json", "--tensors", "--metadata", MODEL)))
        self.assertEqual(said["config"]["n_layers"], 4)
        self.assertEqual(said["config"]["head_dim_k"], 16)
        self.assertEqual(said["metadata"]["general.architecture"], "llama")
        self.assertEqual(len(said["tensors"]), said["weights"]["tensors"])
        self.assertEqual(sum(t["bytes"] for t in said["tensors"]), said["weights"]["bytes"])
        self.assertEqual(sum(t["bytes"] for t in said["weights"]["types"].values()), said["weights"]["bytes"])

    def metadata(self, folder, values):
        """A GGUF file with metadata alone, of these names, types by GGUF's numbers, and bytes, as the tool tells it."""
        path = os.path.join(folder, "metadata.gguf")
        with open(path, "wb") as file:
            file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)))
            for name, (kind, data) in values.items():
                file.write(struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + data)
        return path, json.loads(self.assert_done(run("inspect", "--json", "-m", path)))["metadata"]

    def test_metadata_keep_their_types(self):
        def text(value):
            return 8, struct.pack("<Q", len(value.encode())) + value.encode()

        with tempfile.TemporaryDirectory() as folder:
            path, said = self.metadata(folder, {
                "u8": (0, b"\xff"), "i8": (1, b"\xff"), "u64": (10, b"\xff" * 8),
                "i64": (11, struct.pack("<q", -1 << 63)), "yes": (7, b"\1"), "no": (7, b"\0"),
                "f32": (6, struct.pack("<f", 1e-5)), "f64": (12, struct.pack("<d", 0.1)), "whole": (12, struct.pack("<d", 3)),
                "nan": (6, struct.pack("<f", float("nan"))), "inf": (12, struct.pack("<d", float("-inf"))),
                "text": text("1"), "array": (9, struct.pack("<IQ3I", 4, 3, 1, 2, 3))})
            self.assertEqual(said, {
                "u8": 255, "i8": -1, "u64": 2**64 - 1, "i64": -2**63, "yes": True, "no": False,
                "f32": struct.unpack("<f", struct.pack("<f", 1e-5))[0], "f64": 0.1, "whole": 3, "nan": None, "inf": None,
                "text": "1", "array": "[3]"})
            self.assertEqual([type(said[key]) for key in ("u8", "yes", "no", "text")], [int, bool, bool, str])
            shown = self.assert_done(run("inspect", "-m", path))
            for line in ("u64    18446744073709551615\n", "yes    true\n", "f32    9.99999975e-06\n", "nan    nan\n",
                         "inf    -inf\n", "array  [3]\n"):
                self.assertIn(line, shown)

    def test_long_texts_are_cut_between_characters(self):
        with tempfile.TemporaryDirectory() as folder:
            for letter in "aé€😀":
                for before in range(4):
                    value = ("-" * before + letter * 250).encode()
                    _, said = self.metadata(folder, {"text": (8, struct.pack("<Q", len(value)) + value)})
                    n = (200 - before) // len(letter.encode())
                    self.assertEqual(said["text"], "-" * before + letter * n + "…")
            value = b"\x80" * 300  # no character of which begins anywhere
            _, said = self.metadata(folder, {"text": (8, struct.pack("<Q", len(value)) + value)})
            self.assertGreater(len(said["text"]), 190)

    def test_layers_and_weights_add_up(self):
        self.assertIn("attention", self.assert_done(run("inspect", MODEL, "--layers")))
        said = json.loads(self.assert_done(run("inspect", "--json", "--layers", MODEL)))
        weights = said["weights"]
        layers = sum(sum(v for k, v in layer.items() if k.endswith("_bytes")) for layer in said["layers"])
        self.assertEqual(layers, weights["layer_bytes"])
        self.assertEqual(layers + weights["embedding_bytes"] + weights["output_bytes"] + weights["other_bytes"],
                         weights["bytes"])
        self.assertEqual({layer["kind"] for layer in said["layers"]}, {"attention"})

    def config(self, folder, **other):
        path = os.path.join(folder, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80,
                       "num_attention_heads": 64, "num_key_value_heads": 8, "vocab_size": 128256, "torch_dtype": "bfloat16",
                       "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "tie_word_embeddings": False, **other}, file)
        return path

    def test_plan_says_whether_it_fits_and_how(self):
        self.assertEqual(self.assert_done(run("plan", MODEL, "--device", "none", "--json")).count("\n"), 1)
        text = self.assert_done(run("plan", MODEL, "--device", "none"))
        self.assertTrue(text.startswith("Host: "))
        with tempfile.TemporaryDirectory() as folder:
            path = self.config(folder)
            self.assert_done(run("plan", folder, "--device", "80G,80G", "--ctx", "32k", "--host", "256G"))
            said = json.loads(self.assert_done(run("plan", path, "--device", "80G,80G", "--ctx", "32k", "--json")))
            self.assertEqual((said["mode"], said["resident_layers"], said["context"]), ("FULL_CACHE", 80, 32768))
            kv = sum(t["bytes"] for t in said["terms"] if t["term"] == "KV global")
            self.assertEqual(kv, 80 * 2 * 8 * 128 * 2 * 32768)
            # The parameters of Llama-3 70B, as its model card rounds them.
            weights = sum(t["bytes"] for t in said["terms"] if t["term"] == "weights")
            self.assertAlmostEqual(weights / 2 / 1e9, 70.6, 1)
            self.assertEqual(said["total_bytes"], sum(t["bytes"] for t in said["terms"]))
            some = json.loads(self.assert_done(run("plan", path, "-d", "24G", "-c", "8k", "--host=256G", "--json")))
            self.assertEqual(some["mode"], "PARTIAL")
            small = json.loads(self.assert_done(run("plan", path, "-d", "24G", "-c", "8k", "--kv-type", "q8_0", "--json",
                                                    "--host", "256G")))
            self.assertGreaterEqual(small["resident_layers"], some["resident_layers"])
            refused = run("plan", path, "-d", "4G", "--host", "8G", "--allow", "none")
            self.assertIn("Insufficient", self.assert_done(refused, NO))

    def test_plan_refuses_nonsense(self):
        self.assert_refused(USAGE, "plan", MODEL, "--device", "many", says="many")
        self.assert_refused(USAGE, "plan", MODEL, "--device", "0x18G", says="0x18G")
        for option in ("--device", "--host", "--margin", "--link"):
            self.assert_refused(USAGE, "plan", MODEL, option, "0", says="no size")
        self.assert_refused(USAGE, "plan", MODEL, "--ctx", "4k", "--min-ctx", "8k", says="--min-ctx")
        self.assert_refused(USAGE, "plan", MODEL, "--allow", "none,kv", says="alone")
        self.assert_refused(USAGE, "plan", MODEL, "--ctx", "0", says="--ctx")
        self.assert_refused(USAGE, "plan", MODEL, "--ctx", "99999999999999999999k", says="--ctx")
        self.assert_refused(USAGE, "plan", MODEL, "--allow", "magic", says="magic")
        self.assert_refused(USAGE, "plan", MODEL, "--kv-type", "q9", says="q9")
        self.assert_refused(USAGE, "plan", MODEL, "--device", ",".join(["1G"] * 65), says="65")
        self.assert_refused(USAGE, "plan", MODEL, "--kv-type", "q6_k", says="Q6_K")
        self.assert_refused(USAGE, "plan", MODEL, "--kv-type", "q8_0", "-p", "cells", "--no-flash-attention", says="flash")
        self.assert_refused(USAGE, "plan", MODEL, "--min-ctx", "8k", says="min_context")
        self.assert_refused(FAILED, "plan", "/nonexistent", says="nonexistent")
        with tempfile.TemporaryDirectory() as folder:
            path = self.config(folder)
            self.assert_refused(USAGE, "plan", path, "--ctx", "2000000k", "-n", "2000000k", says="64 bits")
            self.config(folder, num_attention_heads=7)  # which is the file's fault
            self.assert_refused(FAILED, "plan", path, says="heads")

    def test_a_device_that_tells_nothing_is_left_out(self):
        drivers = {"LD_LIBRARY_PATH": DRIVERS, "FAKE_CUDA_COUNT": "3", "FAKE_NVML_TOTAL": str(8 << 30),
                   "FAKE_NVML_FREE": str(6 << 30)}
        for silent in range(4):
            result = run("plan", MODEL, "--json", env=dict(drivers, FAKE_NVML_SILENT=str(silent)))
            places = [place["name"] for place in json.loads(self.assert_done(result))["places"]]
            self.assertEqual(sum(name.startswith("Fake GPU") for name in places), 3 - silent)
            warnings = result.stderr.splitlines()
            self.assertEqual(len(warnings), silent)
            for i, warning in enumerate(warnings):
                self.assertTrue(warning.startswith(f"infermem plan: Fake GPU {i} is left out: "), warning)
        # None of whose memory is free: each has its number in MiB more than the first.
        result = run("plan", MODEL, "--json", env=dict(drivers, FAKE_NVML_FREE="0"))
        self.assert_done(result)
        self.assertIn("none of its memory is free", result.stderr)
        self.assertEqual(result.stderr.count("left out"), 1)

    def test_devices_that_share_the_hosts_memory_are_planned_with_alone(self):
        drivers = {"LD_LIBRARY_PATH": DRIVERS, "FAKE_CUDA_COUNT": "2", "FAKE_CUDA_INTEGRATED": "1"}
        said = json.loads(self.assert_done(run("plan", MODEL, "--json", env=drivers)))
        self.assertEqual([place["name"] for place in said["places"]].count("Fake GPU 0"), 1)

    def test_hostile_names_do_not_reach_the_terminal(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "hostile.gguf")
            value = b"\x1b[2J\xff\"\\"
            key = b"general.name"
            with open(path, "wb") as file:
                file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", len(key)) + key)
                file.write(struct.pack("<IQ", 8, len(value)) + value)
            text = subprocess.run([TOOL, "inspect", path, "-m"], capture_output=True, timeout=60).stdout
            self.assertNotIn(b"\x1b", text)
            said = json.loads(self.assert_done(run("inspect", "--json", "-m", path)))
            self.assertEqual(said["metadata"]["general.name"], "\x1b[2J\ufffd\"\\")
        # What terminals obey beyond ASCII, as UTF-8 and as single bytes, is shown, and letters are kept.
        error = subprocess.run([TOOL, "inspect", b"/nonexistent/\xc2\x9b2J\x9b2J\xc3\xa9"], capture_output=True, timeout=60)
        self.assertNotIn(b"\xc2\x9b", error.stderr)
        self.assertTrue(error.stderr.startswith(b"infermem inspect: /nonexistent/\\xc2\\x9b2J\\x9b2J\xc3\xa9:"), error.stderr)

    def test_probe_tells_the_host(self):
        text = self.assert_done(run("probe"))
        self.assertIn("host", text)
        said = json.loads(self.assert_done(run("probe", "--json")))
        self.assertGreater(said["host"]["total_bytes"], 1 << 20)
        self.assertLessEqual(said["host"]["effective_bytes"], said["host"]["total_bytes"])
        self.assertEqual(said["why_not"] == 0, len(said["devices"]) > 0)

    def test_quantize_writes_files_that_verify(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            text = self.assert_done(run("quantize", MODEL, "-o", out, "--bits", "8", "--group=32"))
            self.assertIn("token_embd.weight", text)
            with open(os.path.join(out, "index.json"), encoding="utf-8") as file:
                index = json.load(file)
            self.assertEqual((index["bits"], index["group"], index["params"]), (8, 32, "F16"))
            self.assertEqual(len(index["tensors"]) + len(index["left_as_they_are"]), 38)
            for tensor in index["tensors"]:
                # Eight bits move a value by half a step at most, with F16 parameters hardly more.
                self.assertLess(tensor["relative_rmse"], 0.01)
                self.assertGreater(tensor["relative_rmse"], 0)
                self.assertGreaterEqual(os.path.getsize(os.path.join(out, tensor["file"])), tensor["bytes"])
            files = [os.path.join(out, tensor["file"]) for tensor in index["tensors"]]
            self.assert_done(run("verify", *files))
            # A folder that is not complete has no index.
            self.assert_refused(USAGE, "quantize", MODEL, "-o", out, "--group=65536", says="group")
            self.assertFalse(os.path.exists(os.path.join(out, "index.json")))
            said = json.loads(self.assert_done(run("quantize", MODEL, "-o", out, "--bits=4", "--packed", "--json")))
            self.assertTrue(all(t["bytes"] < t["bytes_before"] for t in said["tensors"] if t["from"] == "F16"))
            with open(files[0], "r+b") as file:
                file.seek(300)
                byte = file.read(1)[0]
                file.seek(300)
                file.write(bytes([byte ^ 1]))
            said = json.loads(self.assert_done(run("verify", "--json", MODEL, files[0], files[1]), NO))
            self.assertEqual([file["undamaged"] for file in said], [True, False, True])
            self.assertEqual(said[1]["status"], "INFERMEM_E_CORRUPT")
        self.assert_refused(FAILED, "quantize", MODEL, "-o", "/nonexistent/folder", says="/nonexistent/folder")

    def test_names_of_tensors_cannot_leave_the_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            path, out = os.path.join(folder, "hostile.gguf"), os.path.join(folder, "out")
            name = b"../../x"
            header = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<Q", len(name)) + name
            header += struct.pack("<IQQIQ", 2, 8, 2, 0, 0)
            with open(path, "wb") as file:
                file.write(header.ljust((len(header) + 31) // 32 * 32, b"\0") + struct.pack("<16f", *range(16)))
            self.assert_done(run("quantize", path, "-o", out, "--group", "8"))
            self.assertEqual(sorted(os.listdir(out)), ["%2E.%2F..%2Fx.quant", "index.json"])

    def matrices(self, folder, names):
        """A safetensors file with matrices of 2 x 8 of these names."""
        path = os.path.join(folder, "matrices.safetensors")
        header = json.dumps({name: {"dtype": "F32", "shape": [2, 8], "data_offsets": [64 * i, 64 * i + 64]}
                             for i, name in enumerate(names)}).encode()
        header = header.ljust((len(header) + 7) // 8 * 8)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header + struct.pack("<16f", *range(16)) * len(names))
        return path

    def test_an_index_that_cannot_be_written_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            path, out = self.matrices(folder, [f"matrix.{i}" for i in range(40)]), os.path.join(folder, "out")
            result = run("quantize", path, "-o", out, "--group", "8",
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
            self.assert_done(result, FAILED)
            self.assertIn("index.json: File too large", result.stderr)
            self.assertEqual(sorted(os.listdir(out)), sorted(f"matrix.{i}.quant" for i in range(40)))
            self.assert_done(run("quantize", path, "-o", out, "--group", "8"))
            self.assertEqual(len(os.listdir(out)), 41)
            self.assertEqual(os.stat(os.path.join(out, "index.json")).st_mode,
                             os.stat(os.path.join(out, "matrix.0.quant")).st_mode)

    def test_names_that_no_file_can_have_are_refused_before_anything_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            path = self.matrices(folder, ["first", "n" * 249])
            self.assert_done(run("quantize", path, "-o", out, "--group", "8"))
            self.assertEqual(sorted(os.listdir(out)), ["first.quant", "index.json", "n" * 249 + ".quant"])
            path = self.matrices(folder, ["first", "n" * 250])
            self.assert_refused(FAILED, "quantize", path, "-o", out, "--group", "8", says="256 bytes")
            self.assertIn("index.json", os.listdir(out))
            other = os.path.join(folder, "other")
            self.assert_refused(FAILED, "quantize", path, "-o", other, "--group", "8", says="256 bytes")
            self.assertFalse(os.path.exists(other))

    def test_saved_caches_are_verified_without_one(self):
        folder = os.path.join(os.path.dirname(MODEL), "kv")
        golden = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".kv"))
        text = self.assert_done(run("verify", *golden))
        self.assertIn("tokens", text)
        with tempfile.TemporaryDirectory() as other:
            for path in golden:
                with open(path, "rb") as file:
                    data = bytearray(file.read())
                data[-1] ^= 1
                with open(os.path.join(other, "damaged.kv"), "wb") as file:
                    file.write(data)
                said = json.loads(self.assert_done(run("verify", "--json", os.path.join(other, "damaged.kv")), NO))
                self.assertEqual(said[0]["kind"], "cache")
                self.assertFalse(said[0]["undamaged"])

    def test_verify_says_what_is_no_file_of_its_kind(self):
        self.assert_done(run("verify", __file__), NO)
        self.assertIn("No such file", self.assert_done(run("verify", "/nonexistent/file", MODEL), FAILED))
        said = json.loads(self.assert_done(run("verify", "--json", "/nonexistent/file", __file__, MODEL), NO))
        self.assertEqual([file["status"] for file in said], ["INFERMEM_E_IO", "INFERMEM_E_FORMAT", "INFERMEM_OK"])
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "pipe")
            os.mkfifo(pipe)  # for which nobody waits
            self.assertIn("not a regular file", self.assert_done(run("verify", pipe), NO))

    def test_verify_says_where_there_is_no_model(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertRegex(self.assert_done(run("verify", folder), FAILED), "INFERMEM_E_NOT_FOUND +there is no model in it")
            said = json.loads(self.assert_done(run("verify", "--json", folder, MODEL), FAILED))
            self.assertEqual([file["status"] for file in said], ["INFERMEM_E_NOT_FOUND", "INFERMEM_OK"])
            path = self.config(folder)
            self.assert_done(run("verify", folder))
            with open(path, "w", encoding="utf-8") as file:
                file.write("{")  # which is a damaged one
            self.assert_done(run("verify", folder), NO)

    def test_bench_measures_something(self):
        said = json.loads(self.assert_done(run("bench", "--json", "--seconds", "1")))
        self.assertGreater(len(said["results"]), 10)
        for result in said["results"]:
            self.assertGreater(result["bytes_per_second"], 0)

    def test_colours_are_for_terminals(self):
        self.assertIn("\x1b[", self.assert_done(run("inspect", "--color=always", MODEL)))
        main, other = pty.openpty()
        process = subprocess.Popen([TOOL, "probe"], stdout=other, stderr=subprocess.DEVNULL,
                                   env={k: v for k, v in os.environ.items() if k != "NO_COLOR"})
        process.wait(timeout=60)
        os.close(other)
        self.assertIn(b"\x1b[1m", os.read(main, 4096))
        os.close(main)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for arguments in (["inspect", MODEL], ["--help"], ["--version"], ["plan", "--help"]):
            with open("/dev/full", "w") as full:
                result = subprocess.run([TOOL, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(result.returncode, FAILED)
            self.assertIn("could not be written", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
