"""Opens a model file, plans, lays out the memory, generates tokens, saves the cache and goes on from it: with every byte
in infermem's memory.

    decode.py [--tokens N] MODEL

Starts from a fixed prompt and takes the likeliest token each time: the tokens are those of the example in C.
"""
import argparse
import io
import sys

import numpy as np

import infermem
from infermem import constants

PROMPT = (1, 17, 42, 99)
MIB = 1 << 20


class Llama:
    """A model of the Llama architecture. Products with weights and attention are the library's, the rest is NumPy's."""

    def __init__(self, model, max_tokens):
        self.config = c = model.config
        infermem.model.validate(c)
        if c.head_dim_k != c.head_dim_v:
            raise ValueError("keys and values have heads of different sizes")
        self.layout = self._lay_out(model, max_tokens)
        self.embedding = self._matrix(model, "token_embd")
        self.layers = [{name: self._load(model, f"blk.{i}.{name}") for name in
                        ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up",
                         "ffn_down")} for i in range(c.n_layers)]
        self.output_norm = self._vector(model, "output_norm")
        self.output = self.embedding if c.tied_embeddings else self._matrix(model, "output")
        self.layout.weights.seal()

        tape = self.layout.scratch
        self.scratch = infermem.Scratch(c, overlap=True, tape=tape)
        self.kv = infermem.Kv(c.n_layers, c.n_kv_heads, c.head_dim_k, max_tokens, "f32", "f32", tape=self.layout.history)
        self.neurons = infermem.Neuron(c.intermediate, n_layers=c.n_layers, threshold=0.5)
        self.metrics = infermem.Dispatch()

    @staticmethod
    def _lay_out(model, max_tokens):
        """The tapes: what the tensors take, quantized or not, and room to align them; the larger of one pass and the largest
        tensor as floats; and the cache."""
        c = model.config
        weights = sum((t["elements"] * 5 // 4 if t["dtype"] == "f16" else t["bytes"]) + 4096 for t in model.tensors)
        largest = 4 * max(t["elements"] for t in model.tensors)
        with infermem.Scratch(c, overlap=True) as sized:
            scratch = max(sized.total_bytes, largest) + 4096
        history = c.n_layers * 2 * (4 * c.n_kv_heads * c.head_dim_k * max_tokens + 64) + 4096
        return infermem.Layout(weights, scratch, history)

    def _load(self, model, name):
        return self._vector(model, name) if name.endswith("norm") else self._matrix(model, name)

    def _vector(self, model, name):
        """A norm: floats, copied."""
        source = infermem.Quant.from_tensor(model, name + ".weight")
        values = self.layout.weights.empty(source.shape[1])
        return source.to_f32(values)

    def _matrix(self, model, name):
        """F16 is quantized to 8 bits, by way of floats in the scratch tape; what is quantized already is copied."""
        weights, scratch, name = self.layout.weights, self.layout.scratch, name + ".weight"
        view = model.tensor(name)
        if view.dtype != "f16":
            copy = weights.alloc(view.nbytes)
            copy.bytes()[:] = view.bytes()
            return infermem.Quant.borrow(view.dtype, copy, *view.shape)
        with infermem.Quant.from_tensor(model, name) as source:
            matrix = infermem.Quant.from_f32(source.to_f32(scratch.empty(source.shape)), bits=8, group=32, tape=weights)
        self.layout.clear_pass()
        return matrix

    def _norm(self, x, weight):
        out = self.scratch["normed"][0]
        np.multiply(x / np.sqrt(np.mean(x * x) + np.float32(self.config.norm_eps)), weight, out=out)
        return out

    def _rotate(self, x, position):
        """Each head's pairs (2i, 2i + 1) by position * theta^(-2i / dims): the order of pairs that GGUF's "llama" has."""
        c = self.config
        angles = position * c.rope_theta ** (-np.arange(0, c.rope_dims, 2) / c.rope_dims)
        cosine, sine = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        pairs = x.reshape(-1, c.head_dim_k)[:, :c.rope_dims].reshape(-1, c.rope_dims // 2, 2)
        a, b = pairs[..., 0].copy(), pairs[..., 1].copy()
        pairs[..., 0] = a * cosine - b * sine
        pairs[..., 1] = a * sine + b * cosine
        x.reshape(-1, c.head_dim_k)[:, :c.rope_dims] = pairs.reshape(-1, c.rope_dims)

    def forward(self, token):
        """The logits that follow the tokens of the cache and this one."""
        with self.metrics.timed("CPU"):
            return self._forward(token)

    def _forward(self, token):
        c, buffers, position = self.config, self.scratch, len(self.kv)
        x = buffers["hidden"][0]
        self.embedding.rows_to_f32([token], out=x)
        for i, layer in enumerate(self.layers):
            normed = self._norm(x, layer["attn_norm"])
            q = layer["attn_q"].gemv(normed, out=buffers["q"][0])
            k = layer["attn_k"].gemv(normed, out=buffers["k"][0])
            v = layer["attn_v"].gemv(normed, out=buffers["v"][0])
            self._rotate(q, position)
            self._rotate(k, position)
            self.kv.append(i, k, v)
            attended = self.kv.attend(i, q, n_q_heads=c.n_heads, out=buffers["attn_out"][0])
            x += layer["attn_output"].gemv(attended, out=buffers["attn_proj"][0])

            normed = self._norm(x, layer["ffn_norm"])
            gate = layer["ffn_gate"].gemv(normed, out=buffers["ffn_gate"][0])
            up = layer["ffn_up"].gemv(normed, out=buffers["ffn_up"][0])
            gate *= up / (1 + np.exp(-gate))
            active = np.flatnonzero(np.abs(gate) * gate.size >= np.abs(gate).sum())  # of at least the mean magnitude
            self.neurons.record(i, active)
            x += layer["ffn_down"].gemv(gate, out=buffers["ffn_down"][0])
        self.kv.advance()
        return self.output.gemv(self._norm(x, self.output_norm), out=buffers["logits"][0])

    def feed(self, tokens):
        """The likeliest token after these."""
        for token in tokens:
            logits = self.forward(token)
        return int(np.argmax(logits))


def show_model(model):
    c = model.config
    print(f"model    {c.architecture.decode()}: {c.n_layers} layers, hidden {c.hidden}, {c.n_heads} heads, "
          f"{c.n_kv_heads} KV heads, head_dim {c.head_dim_k}, intermediate {c.intermediate}")
    print(f"         vocabulary {c.vocab}, context {c.context}, {len(model.tensors)} tensors")
    for warning in model.warnings:
        print(f"warning  {warning}")


def show_plan(model, tokens):
    """What the machine has, and what the library would take of it."""
    with infermem.DeviceList() as devices:
        host = devices.host()
        print(f"host     {host['total_bytes'] // MIB} MiB, of which {host['effective_bytes'] // MIB} MiB can be had")
        print(f"device   {', '.join(d['name'] for d in devices) or 'none: ' + devices.why_not[1]}")
    with infermem.Plan(model, context=tokens, ubatch=1, host_bytes=host["effective_bytes"], k_type="f32",
                       v_type="f32") as plan:
        parts = ", ".join(f"{term['name']} {term['bytes']}" for term in plan.terms)
        print(f"plan     {plan.mode}, {plan.query(constants.INFERMEM_PLAN_CONTEXT)} tokens, in bytes: {parts}")


def show_hot(llama):
    for i in range(llama.config.n_layers):
        llama.neurons.reclassify(i)
        hot, facts = llama.neurons.hot(i), llama.neurons.stat(i)
        print(f"hot      layer {i}: {hot.size} of {llama.config.intermediate} neurons ({100 * facts['hot_ratio']:.0f} %)")


def main():
    parser = argparse.ArgumentParser(description="Generates tokens with every byte in infermem's memory.")
    parser.add_argument("model")
    parser.add_argument("--tokens", type=int, default=32)
    arguments = parser.parse_args()
    positions = len(PROMPT) + arguments.tokens

    with infermem.Model(arguments.model) as model:
        show_model(model)
        show_plan(model, positions)
        llama = Llama(model, positions)
        fingerprint = f"{model.config.architecture.decode()} {model.weights['total_bytes']}".encode()
    # Half of the tokens; then the cache is saved, lost and restored, and the other half comes from what was restored.
    half = arguments.tokens // 2
    tokens = [llama.feed(PROMPT)]
    while len(tokens) < max(1, half):
        tokens.append(llama.feed(tokens[-1:]))
    saved = io.BytesIO()
    llama.kv.save(saved, fingerprint)
    llama.kv.clear()
    saved.seek(0)
    llama.kv.load(saved, fingerprint)
    while len(tokens) < arguments.tokens:
        tokens.append(llama.feed(tokens[-1:]))

    print("prompt  ", *PROMPT)
    print("tokens  ", *tokens)
    print(f"saved    {saved.tell()} bytes after {max(1, half)} tokens, restored, and gone on from")
    s = llama.metrics.snapshot("CPU")
    print(f"speed    {1e9 / s['mean_ns']:.0f} tokens/s: {s['latencies']} positions, median {s['p50_ns'] / 1e6:.3f} ms, "
          f"longest {s['max_ns'] / 1e6:.3f} ms")
    print(f"scratch  the buffers of a pass take {llama.scratch.total_bytes} bytes, by themselves they would take "
          f"{llama.scratch.separate_bytes}")
    print(f"layout   {llama.layout}")
    show_hot(llama)


if __name__ == "__main__":
    try:
        main()
    except (infermem.InfermemError, ValueError) as failure:
        sys.exit(f"decode: {failure}")
