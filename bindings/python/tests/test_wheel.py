import importlib.metadata
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import support


def run(command, **options):
    told = subprocess.run(command, capture_output=True, text=True, **options)
    if told.returncode != 0:
        raise AssertionError(f"{command}: {told.stdout}{told.stderr}")
    return told.stdout


def can_build():
    """Whether there are pip, wheel, and setuptools from 61 on, which reads pyproject.toml."""
    if not all(importlib.util.find_spec(name) for name in ("pip", "setuptools", "wheel")):
        return False
    return int(importlib.metadata.version("setuptools").split(".")[0]) >= 61


@unittest.skipUnless(can_build(), "pip, wheel or a setuptools that is new enough is missing")
@unittest.skipUnless(os.environ.get("INFERMEM_LIBRARY"), "no built library is named")
class Wheel(support.Case):
    """A wheel of the tree, with the library that was built, without a network; in a folder, it is all that is needed."""

    def test_a_wheel_carries_the_library(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            shutil.copytree(support.PACKAGE, folder / "python", ignore=shutil.ignore_patterns("build", "__pycache__", "*.egg-info"))
            quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
            run([sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", str(folder),
                 str(folder / "python")], env=quiet)
            wheel, = folder.glob("*.whl")
            self.assertTrue(re.fullmatch(r"infermem-\d+\.\d+\.\d+-py3-none-linux_\w+\.whl", wheel.name), wheel.name)
            names = zipfile.ZipFile(wheel).namelist()
            for name in ("infermem/libinfermem.so.0", "infermem/py.typed", "infermem/_api.py"):
                self.assertIn(name, names)
            self.assertFalse([name for name in names if "test" in name or name.endswith(".so")])
            run([sys.executable, "-m", "pip", "install", "--no-deps", "--no-compile", "--target", str(folder / "target"),
                 str(wheel)], env=quiet)
            alone = {name: value for name, value in os.environ.items() if name not in ("INFERMEM_LIBRARY", "PYTHONPATH")}
            told = run([sys.executable, "-c", "import infermem; print(infermem.__file__); "
                        "print(infermem.Quant.from_f32([[1.0, 2.0]]).to_f32().tolist()); "
                        "print(open('/proc/self/maps').read())"],
                       env={**alone, "PYTHONPATH": str(folder / "target")}, cwd=folder)
            file, values, maps = told.split("\n", 2)
            self.assertEqual((file, values), (str(folder / "target/infermem/__init__.py"), "[[1.0, 2.0]]"))
            self.assertEqual(set(re.findall(r"\S*libinfermem\S*", maps)), {str(folder / "target/infermem/libinfermem.so.0")})


if __name__ == "__main__":
    unittest.main()
