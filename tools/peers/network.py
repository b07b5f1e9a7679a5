"""The made models of tests/bench/made.c as a PyTorch module: the peers compute with the numbers that wordahead reads."""
import json
import math
import re

import numpy as np
import torch

WIDTH, HEADS = 224, 4


def read_weights(path):
    """Tensors of a safetensors file that holds F32 only."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", f"{path}: {name} is {entry['dtype']}"
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return tensors


def read_vectors(path):
    """Rows of a Word2Vec binary file with a newline after each record."""
    with open(path, "rb") as file:
        data = file.read()
    at = data.index(b"\n") + 1
    n_words, width = map(int, data[:at].split())
    rows = np.empty((n_words, width), np.float32)
    for i in range(n_words):
        at = data.index(b" ", at) + 1
        rows[i] = np.frombuffer(data, "<f4", width, at)
        at += 4 * width + 1
    return rows


def read_texts(path):
    """Word indices, [texts, words]: the words are called word0, word1 ..."""
    with open(path, encoding="ascii") as file:
        return np.array([[int(i) for i in re.findall(r"word(\d+)", line)] for line in file], np.int64)


def positions(n_tokens):
    """Source: Vaswani et al. 2017, section 3.5."""
    p = torch.arange(n_tokens).double()[:, None]
    angle = p / torch.pow(torch.tensor(10000.0).double(), torch.arange(0, WIDTH, 2).double() / WIDTH)
    out = torch.zeros(n_tokens, WIDTH)
    out[:, 0::2] = angle.sin().float()
    out[:, 1::2] = angle.cos().float()
    return out


class Network(torch.nn.Module):
    """words [B, T] -> what `answer` says:

    last   log-probabilities and indices of the ten words most likely to follow, [B, 10]
    all    the same after each of the T words, [B, T, 10]
    score  log-probabilities of `targets` [B, T], the words that do follow, [B, T]
    """

    def __init__(self, vectors, weights, n_tokens, answer):
        super().__init__()
        w = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
        linear = self.linear
        self.answer = answer
        self.n_tokens = n_tokens
        self.embed = torch.nn.Embedding.from_pretrained(torch.from_numpy(vectors))
        names = [f"attention.0.{name}" for name in ("query", "key", "value")]
        self.qkv = linear(torch.cat([w[f"{n}.weight"] for n in names]), torch.cat([w[f"{n}.bias"] for n in names]))
        self.project = linear(w["attention.0.output.weight"], w["attention.0.output.bias"])
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.norm.weight.data, self.norm.bias.data = w["norm.0.weight"], w["norm.0.bias"]
        self.vocabulary = linear(w["vocabulary.weight"], w["vocabulary.bias"])
        self.register_buffer("position", positions(n_tokens))
        self.register_buffer("mask", torch.triu(torch.full((n_tokens, n_tokens), -1e9), 1))

    @staticmethod
    def linear(weight, bias):
        out = torch.nn.Linear(weight.shape[1], weight.shape[0])
        out.weight.data, out.bias.data = weight, bias
        return out

    def attention(self, x):
        head = WIDTH // HEADS
        q, k, v = (part.view(-1, self.n_tokens, HEADS, head).transpose(1, 2) for part in self.qkv(x).split(WIDTH, -1))
        weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(head) + self.mask, -1)
        return self.project((weights @ v).transpose(1, 2).reshape(-1, self.n_tokens, WIDTH))

    def forward(self, words, targets=None):
        x = self.embed(words) * math.sqrt(WIDTH) + self.position
        x = self.norm(x + self.attention(x))
        if self.answer == "last":
            x = x[:, -1]
        logprob = torch.log_softmax(self.vocabulary(x), -1)
        if self.answer == "score":
            return logprob.gather(-1, targets[..., None])[..., 0]
        return torch.topk(logprob, 10, -1)


def load(data, n_words, n_tokens, answer):
    """The network over the model in the folder `data` that tests/bench made."""
    folder = f"{data}/n{n_words}"
    weights = read_weights(f"{folder}/f32/weights.safetensors")
    return Network(read_vectors(f"{folder}/vectors.bin"), weights, n_tokens, answer).eval()
