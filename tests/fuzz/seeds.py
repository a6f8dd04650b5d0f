"""What the make_*_seeds.py scripts share: writing a corpus, and, of model files, the list of what each file is to give."""
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


class Seeds:
    """The files of corpus/NAME, each of which has its reason as its name, and of expected/NAME.txt."""

    def __init__(self, corpus):
        self.corpus = corpus
        self.files = {}

    def good(self, reason, data):
        self.add("good-" + reason, "OK", data)

    def bad(self, code, reason, data):
        self.add(reason, "E_" + code, data)

    def add(self, name, code, data):
        if name in self.files:
            raise ValueError(name)
        if isinstance(data, str):
            data = data.encode()
        self.files[name] = (code, bytes(data))

    def write(self):
        """Files of other names in the corpus, which the fuzzer found, are left alone."""
        folder = HERE / "corpus" / self.corpus
        folder.mkdir(parents=True, exist_ok=True)
        contents = {}
        for name, (_, data) in self.files.items():
            if data in contents:
                raise ValueError(f"{name} is {contents[data]}")
            contents[data] = name
            (folder / name).write_bytes(data)
        (HERE / "expected").mkdir(exist_ok=True)
        lines = [f"{name} INFERMEM_{code}\n" for name, (code, _) in sorted(self.files.items())]
        (HERE / "expected" / (self.corpus + ".txt")).write_text("".join(lines))
        print(self.corpus, sum(code != "OK" for code, _ in self.files.values()), "malformed files")
