"""What the make_*_seeds.py scripts share: writing a corpus, and the list of what each of its files is to give."""
import pathlib


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
        here = pathlib.Path(__file__).parent
        folder = here / "corpus" / self.corpus
        folder.mkdir(parents=True, exist_ok=True)
        contents = {}
        for name, (_, data) in self.files.items():
            if data in contents:
                raise ValueError(f"{name} is {contents[data]}")
            contents[data] = name
            (folder / name).write_bytes(data)
        (here / "expected").mkdir(exist_ok=True)
        lines = [f"{name} INFERMEM_{code}\n" for name, (code, _) in sorted(self.files.items())]
        (here / "expected" / (self.corpus + ".txt")).write_text("".join(lines))
        print(self.corpus, sum(code != "OK" for code, _ in self.files.values()), "malformed files")
