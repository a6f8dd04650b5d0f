"""Which instruction set the library uses."""
from ._library import check, lib


def name():
    return lib.infermem_simd_name().decode()


def available():
    """From the plainest, "reference", to the fastest."""
    names = []
    while (found := lib.infermem_simd_available(len(names))) is not None:
        names.append(found.decode())
    return names


def select(wanted=None):
    """Uses another instruction set, in the whole process; None chooses the fastest."""
    check(lib.infermem_simd_select(wanted.encode() if wanted is not None else None))
