#!/usr/bin/env python3
"""Checks the texts of dispatch_prometheus and dispatch_json: by the rules of their formats, against each other, and, where
it is installed, with Prometheus's own promtool (which is in Debian's package prometheus, of 96 MB).

    check_metrics.py DISPATCH_TEXT…
"""
import json
import re
import shutil
import subprocess
import sys

program = sys.argv[1:]
NAMES = ["CPU", "GPU 0", 'quo"te', "back\\slash", "new\nline", "\x01\x7f", "é€😀", "none"]
BOUNDS = [0.0001, 0.0005, 0.001, 0.005, float("inf")]

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{(" + LABEL + r"(?:," + LABEL + r")*)\} ([0-9]+(?:\.[0-9]+)?)")
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def run(kind):
    return subprocess.run([*program, kind], check=True, capture_output=True).stdout.decode()


def parse(text):
    """{metric: (type, [(sample's name, labels, value)])}, of the text format 0.0.4, strictly."""
    assert text.endswith("\n") and "\n\n" not in text
    families, help_of, name = {}, set(), None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, words = line[len("# HELP ") :].split(" ", 1)
            assert name not in help_of and words and "\\" not in words
            help_of.add(name)
        elif line.startswith("# TYPE "):
            typed, kind = line[len("# TYPE ") :].split(" ")
            assert typed == name and name not in families and kind in ("counter", "histogram")
            families[name] = (kind, [])
        else:
            sample, labels, value = SAMPLE.fullmatch(line).groups()
            kind, samples = families[name]
            suffixes = [""] if kind == "counter" else ["_bucket", "_sum", "_count"]
            assert sample in [name + suffix for suffix in suffixes], sample
            pairs = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"', labels)
            unescape = lambda v: re.sub(r'\\["\\n]', lambda m: ESCAPES[m.group(0)], v)
            samples.append((sample, {k: unescape(v) for k, v in pairs}, float(value)))
    keys = [(s, tuple(sorted(l.items()))) for _, samples in families.values() for s, l, _ in samples]
    assert len(set(keys)) == len(keys), "a sample is there twice"
    return families


def main():
    text = run("prometheus")
    families = parse(text)
    assert set(families) == {"infermem_dispatches_total", "infermem_dispatch_latency_seconds"}
    backends = json.loads(run("json"))["backends"]
    assert [b["name"] for b in backends] == NAMES

    kind, samples = families["infermem_dispatches_total"]
    assert kind == "counter" and [l["backend"] for _, l, _ in samples] == NAMES
    assert [v for _, _, v in samples] == [b["dispatches"] for b in backends]
    kind, samples = families["infermem_dispatch_latency_seconds"]
    assert kind == "histogram"
    for backend in backends:
        mine = [(s, l, v) for s, l, v in samples if l["backend"] == backend["name"]]
        buckets = [(float(l["le"].replace("+Inf", "inf")), v) for s, l, v in mine if s.endswith("_bucket")]
        total = [v for s, _, v in mine if s.endswith("_sum")]
        count = [v for s, _, v in mine if s.endswith("_count")]
        assert [b for b, _ in buckets] == BOUNDS
        counts = [v for _, v in buckets]
        assert counts == sorted(counts) and count == [counts[-1]] == [backend["latencies"]]
        assert abs(min(total[0] * 1e9, 2.0**64) - backend["sum_ns"]) <= 1e-9 * backend["sum_ns"]
        assert sum(b["count"] for b in backend["buckets"]) == backend["latencies"]
        on_bound = 1 if backend["latencies"] else 0  # which Prometheus's bucket below has, and ours above
        assert counts[0] == backend["buckets"][0]["count"] + on_bound
        ranks = [backend[f"{k}_ns"] for k in ("min", "p50", "p90", "p95", "p99", "p999", "max")]
        assert ranks == sorted(ranks) and ranks[0] <= backend["mean_ns"] <= ranks[-1] + 1

    promtool = shutil.which("promtool")
    if promtool:
        checked = subprocess.run([promtool, "check", "metrics"], input=text.encode(), capture_output=True)
        assert checked.returncode == 0, checked.stderr.decode() + checked.stdout.decode()
    print(f"metrics: {len(samples)} samples, checked here{' and by promtool' if promtool else '; promtool is not installed'}")


main()
