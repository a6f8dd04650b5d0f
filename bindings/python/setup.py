"""Puts the shared library into the wheel: the one that INFERMEM_LIBRARY names, else one that CMake builds from the tree."""
import os
import pathlib
import shutil
import subprocess

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70
    from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent
SONAME = "libinfermem.so.0"


def built(folder):
    """The library, built by CMake in a folder."""
    tree = HERE.parents[1]
    if not (tree / "include" / "infermem.h").exists():
        raise SystemExit("the library's sources are not around this folder: name a built library in INFERMEM_LIBRARY")
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DINFERMEM_BUILD_TESTS=OFF", "-DINFERMEM_BUILD_TOOL=OFF"]
    subprocess.run(["cmake", "-S", tree, "-B", folder, *options], check=True)
    subprocess.run(["cmake", "--build", folder, "--target", "infermem", "-j", str(os.cpu_count() or 1)], check=True)
    return folder / "src" / SONAME


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return  # the package is used where it is, with the library that it finds
        named = os.environ.get("INFERMEM_LIBRARY")
        library = pathlib.Path(named) if named else built(pathlib.Path(self.get_finalized_command("build").build_temp).resolve())
        shutil.copyfile(library, pathlib.Path(self.build_lib) / "infermem" / SONAME)


class PlatformWheel(bdist_wheel):
    """For one platform, because of the library, and for every Python, because there is no extension module."""

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


class WithLibrary(Distribution):
    def has_ext_modules(self):
        return True


# The licence is here because setuptools before 77 and from 2026 on agree on no form of it in pyproject.toml.
setup(license="MIT", distclass=WithLibrary, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
