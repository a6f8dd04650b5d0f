"""What the scripts that write corpora of saved objects share."""
import pathlib

HERE = pathlib.Path(__file__).parent
TOP = 2**64 - 1


def golden(kind):
    """The files of tests/data/KIND, by the name of their seed."""
    return {f"good-{p.stem}": p.read_bytes() for p in sorted((HERE.parent / "data" / kind).glob(f"*.{kind}"))}


def changed(file, *changes):
    """Each change is an offset, a number, and its bytes."""
    out = bytearray(file)
    for at, value, n in changes:
        out[at : at + n] = value.to_bytes(n, "little")
    return bytes(out)


def write(kind, seeds):
    folder = HERE / "corpus" / kind
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)
