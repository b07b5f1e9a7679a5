"""What the peers written in Python share: requests come in as JSON, one a line, and each is answered with one line.

    {"do": "time", "graph": "last-33278-16", "batch": 1, "seconds": 0.5}    -> {"median_s": ..., "samples": ...}
    {"do": "answer", "graph": ..., "batch": ..., "name": NAME, "file": PATH}  -> {}: lines as `bench --answers` writes them
"""
import json
import sys
import time


def batch_of(texts, graph, batch, i):
    """Words and targets of run i."""
    n_tokens = int(graph.split("-")[2])
    rows = texts[:batch] if batch > 1 else texts[i % len(texts)][None]
    return rows[:, :n_tokens], rows[:, 1 : n_tokens + 1]


def measure(run, seconds):
    """Median seconds of one call; the first tenth of the time is not counted."""
    began = time.perf_counter()
    i = 0
    while i < 3 or time.perf_counter() - began < 0.1 * seconds:
        run(i)
        i += 1
        if time.perf_counter() - began > 0.3 * seconds:
            break
    samples = []
    while len(samples) < 5 or time.perf_counter() - began < seconds:
        at = time.perf_counter()
        run(len(samples))
        samples.append(time.perf_counter() - at)
    samples.sort()
    return {"median_s": samples[len(samples) // 2], "min_s": samples[0], "samples": len(samples)}


def write_answers(request, texts, run):
    """run(i) gives log-probabilities and indices [B, 10], or of a score [B, T], in the order of the texts."""
    name, batch = request["name"], request["batch"]
    with open(request["file"], "a", encoding="ascii") as out:
        for first in range(0, len(texts), batch):
            logprobs, indices = run(first)
            for row in range(len(logprobs)):
                for place, (logprob, index) in enumerate(zip(logprobs[row], indices[row]), 1):
                    print(name, first + row, place, int(index), f"{logprob:.9g}", sep="\t", file=out)


def serve(handle):
    for line in sys.stdin:
        print(json.dumps(handle(json.loads(line))), flush=True)
