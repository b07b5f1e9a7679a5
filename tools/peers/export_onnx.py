"""export_onnx.py DATA OUT ANSWER-N-T ...: writes OUT/ANSWER-N-T.onnx for each, from the model in DATA; see network.py."""
import os
import sys
import warnings

import torch

import network

warnings.filterwarnings("ignore")


def export(data, path, answer, n_words, n_tokens):
    words = torch.zeros(1, n_tokens, dtype=torch.long)
    is_score = answer == "score"
    torch.onnx.export(
        network.load(data, n_words, n_tokens, answer),
        (words, words) if is_score else words,
        path + ".part",
        input_names=["words", "targets"] if is_score else ["words"],
        output_names=["logprob"] if is_score else ["logprob", "index"],
        dynamic_axes={"words": {0: "B"}, "targets": {0: "B"}} if is_score else {"words": {0: "B"}},
        opset_version=14,
        do_constant_folding=True,
    )
    os.rename(path + ".part", path)


def main():
    data, out, *graphs = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for graph in graphs:
        path = f"{out}/{graph}.onnx"
        answer, n_words, n_tokens = graph.split("-")
        made = os.path.getmtime(f"{data}/n{n_words}/f32/model.yaml")
        if not os.path.exists(path) or os.path.getmtime(path) < made:
            print(f"making {path}", file=sys.stderr)
            export(data, path, answer, int(n_words), int(n_tokens))


main()
