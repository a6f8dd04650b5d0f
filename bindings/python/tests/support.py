"""What the tests share: where things are, and assertions about failures."""
import contextlib
import pathlib
import unittest

import infermem

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
TREE = PACKAGE.parents[1]
DATA = TREE / "tests" / "data"
MODEL = DATA / "tiny-llama.gguf"


class Case(unittest.TestCase):
    @contextlib.contextmanager
    def fails(self, name, **numbers):
        """The block raises the error of that name, with that code, and with those of its attributes."""
        kind = getattr(infermem.errors, name)
        with self.assertRaises(kind) as caught:
            yield
        failure = caught.exception
        self.assertIs(type(failure), kind)
        self.assertTrue(failure.message)
        for attribute, value in numbers.items():
            self.assertEqual(getattr(failure, attribute), value, attribute)
