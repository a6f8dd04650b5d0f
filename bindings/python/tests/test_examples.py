import os
import re
import subprocess
import sys
import tempfile
import unittest

import support

TOKENS = ("45 113 312 45 331 167 401 473 78 226 488 263 199 328 377 441 285 425 184 145 380 192 478 478 478 478 478 469 439 "
          "175 16 226")


def run(*arguments, cwd=None):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, cwd=cwd)


class Examples(support.Case):
    def test_decode_generates_the_tokens_of_the_example_in_c(self):
        told = run(support.PACKAGE / "examples/decode.py", support.MODEL)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertEqual(re.search(r"^tokens +(.*)$", told.stdout, re.M).group(1), TOKENS)
        for word in ("plan", "saved", "speed", "scratch", "layout", "hot"):
            self.assertRegex(told.stdout, rf"(?m)^{word} ")

    def test_decode_says_what_is_wrong(self):
        told = run(support.PACKAGE / "examples/decode.py", __file__)
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        self.assertRegex(told.stderr, r"^decode: .+\n$")

    def test_the_readme_s_example_runs(self):
        text = (support.PACKAGE / "README.md").read_text()
        program = re.search(r"```python\n(.*?)```", text, re.S).group(1)
        shown = re.search(r"```text\n(.*?)```", text, re.S).group(1)
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(support.MODEL, os.path.join(folder, "tiny-llama.gguf"))
            told = run("-c", program, cwd=folder)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertEqual(told.stdout, shown)


if __name__ == "__main__":
    unittest.main()
