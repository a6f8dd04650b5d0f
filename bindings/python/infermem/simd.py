"""Which instruction set the library uses."""
from __future__ import annotations

from ._library import check, lib, string


def name() -> str:
    return lib.infermem_simd_name().decode()


def available() -> list[str]:
    """From the plainest, "reference", to the fastest."""
    names: list[str] = []
    while (found := lib.infermem_simd_available(len(names))) is not None:
        names.append(found.decode())
    return names


def select(wanted: str | None = None) -> None:
    """Uses another instruction set, in the whole process; None chooses the fastest."""
    check(lib.infermem_simd_select(string(wanted) if wanted is not None else None))
