"""Compares what the program wrote with reference numbers. Standard library only, so that any Python 3.8 or later will do.

    compare.py trace  FOUND.npz   EXPECTED.safetensors [PRINTED.json]
    compare.py ranks  FOUND.jsonl EXPECTED.jsonl
    compare.py scores FOUND.jsonl EXPECTED.json

One line and exit code 0 where they agree; otherwise every disagreement, a line each, and exit code 1.

The references were computed in float64, by NumPy and PyTorch, so each tolerance is what float32 arithmetic needs:
- an array: |found - expected| <= 1e-5 max(1, largest |expected| of the array) + 1e-4 |expected|
- log-probabilities: 2e-4, and words whose expected log-probabilities are closer than 1e-4 may change places
- perplexity and sums of log-probabilities: 0.1 %; shares and mean reciprocal rank: 1e-3; counts: exactly
"""
import array
import ast
import json
import math
import struct
import sys
import zipfile

MOST_SHOWN = 20


def read_npy(data):
    """An array in NumPy's format, version 1.0, of little-endian float32 or float64 in C order: its shape and its numbers."""
    if data[:8] != b"\x93NUMPY\x01\x00":
        raise ValueError(f"no .npy of version 1.0: it begins with {data[:8]!r}")
    (n_header,) = struct.unpack("<H", data[8:10])
    if (10 + n_header) % 64 != 0 or data[9 + n_header:10 + n_header] != b"\n":
        raise ValueError("the header is not padded to 64 bytes or does not end in a newline")
    header = ast.literal_eval(data[10:10 + n_header].decode("latin1"))
    if sorted(header) != ["descr", "fortran_order", "shape"] or header["fortran_order"]:
        raise ValueError(f"header {header}")
    numbers = array.array({"<f4": "f", "<f8": "d"}[header["descr"]])
    numbers.frombytes(data[10 + n_header:])
    if sys.byteorder == "big":
        numbers.byteswap()
    if len(numbers) != math.prod(header["shape"]):
        raise ValueError(f"{len(numbers)} numbers for the shape {header['shape']}")
    return list(header["shape"]), numbers


def read_npz(path):
    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()
        if broken:
            raise ValueError(f"{path}: the checksum of {broken} is wrong")
        return {name[:-len(".npy")]: read_npy(archive.read(name)) for name in archive.namelist()}


def read_safetensors(path):
    """F64 tensors only: that is what the references are."""
    with open(path, "rb") as file:
        data = file.read()
    (n_header,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8:8 + n_header]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F64", name
        begin, end = entry["data_offsets"]
        numbers = array.array("d", data[8 + n_header + begin:8 + n_header + end])
        if sys.byteorder == "big":
            numbers.byteswap()
        tensors[name] = entry["shape"], numbers
    return tensors


def compare_array(name, found, expected):
    """The largest error as a share of the tolerance, and what is wrong in words."""
    if found[0] != expected[0]:
        return math.inf, [f"{name}: shape {found[0]}, expected {expected[0]}"]
    largest = max((abs(b) for b in expected[1]), default=0.0)
    worst, wrong = 0.0, []
    for i, (a, b) in enumerate(zip(found[1], expected[1])):
        share = abs(a - b) / (1e-5 * max(1.0, largest) + 1e-4 * abs(b))
        if not share <= 1.0:  # so that NaN is wrong too
            wrong.append(f"{name}: element {i} of shape {expected[0]} is {a:.9g}, expected {b:.9g}")
            share = math.inf
        worst = max(worst, share)
    return worst, wrong


def compare_trace(found_path, expected_path, printed_path=None):
    found, expected = read_npz(found_path), read_safetensors(expected_path)
    wrong = [f"{name}: not in the trace" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{name}: in the trace, and the reference has no such array" for name in sorted(found.keys() - expected.keys())]
    worst, worst_name = 0.0, ""
    for name in sorted(expected.keys() & found.keys()):
        share, lines = compare_array(name, found[name], expected[name])
        wrong += lines
        if share > worst:
            worst, worst_name = share, name
    if printed_path:
        wrong += compare_printed(found, printed_path)
    return f"{len(expected)} arrays; largest error {100 * worst:.1f} % of the tolerance ({worst_name})", wrong


def compare_printed(found, path):
    """Numbers as a publication prints them, to 1e-5 of their size: {array: {row: numbers}}, rows counted over all but the last axis."""
    wrong = []
    with open(path, encoding="utf-8") as file:
        printed = json.load(file)["arrays"]
    for name, rows in printed.items():
        width = found[name][0][-1]
        for row, numbers in rows.items():
            row_found = found[name][1][int(row) * width:(int(row) + 1) * width]
            if len(row_found) != len(numbers) or any(not abs(a - b) <= 1e-5 * abs(b) for a, b in zip(row_found, numbers)):
                wrong.append(f"{name}: row {row} is {list(row_found)}, and the publication prints {numbers}")
    return wrong


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def compare_ranking(found, expected):
    """One text: its words, and its next words in the same order but for near ties."""
    wrong = [f"{key} {found.get(key)}, expected {expected[key]}" for key in ("text", "tokens", "unknown") if found.get(key) != expected[key]]
    logprobs = {entry["word"]: entry["logprob"] for entry in expected["next"]}
    words = [entry["word"] for entry in found["next"]]
    if sorted(words) != sorted(logprobs):
        return wrong + [f"the words {words}, expected {list(logprobs)}"], 0.0
    for i, entry in enumerate(found["next"]):
        if entry["rank"] != i + 1:
            wrong.append(f"rank {entry['rank']} in place {i + 1}")
        if i > 0 and logprobs[words[i - 1]] <= logprobs[words[i]] - 1e-4:
            wrong.append(f"{words[i - 1]!r} before {words[i]!r}")
        if not abs(entry["prob"] - math.exp(entry["logprob"])) <= 1e-5 * entry["prob"] + 1e-9:
            wrong.append(f"{words[i]!r} has prob {entry['prob']} and logprob {entry['logprob']}")
    worst = max(abs(entry["logprob"] - logprobs[entry["word"]]) for entry in found["next"])
    if not worst <= 2e-4:
        wrong.append(f"a log-probability is {worst:.2g} off")
    return wrong, worst


def compare_ranks(found_path, expected_path):
    found, expected = read_lines(found_path), read_lines(expected_path)
    if len(found) != len(expected):
        return "", [f"{len(found)} records, expected {len(expected)}"]
    wrong, worst = [], 0.0
    for a, b in zip(found, expected):
        lines, error = compare_ranking(a, b)
        wrong += [f"{b['text']!r}: {line}" for line in lines]
        worst = max(worst, error)
    return f"{len(expected)} texts; largest error of a log-probability {worst:.2g}, allowed 2e-4", wrong


def compare_scores(found_path, expected_path):
    records = read_lines(found_path)
    with open(expected_path, encoding="utf-8") as file:
        expected = json.load(file)
    found = records[-1]
    if found.get("summary") is not True:
        return "", [f"the last record is no summary: {found}"]
    allowed = {key: 0.0 for key in ("lines", "words", "unknown")}
    allowed.update({key: 1e-3 for key in ("mrr", "top1", "top5", "top10")})
    allowed.update({key: 1e-3 * abs(expected[key]) for key in ("logprob", "perplexity", "perplexity_known")})
    wrong = [f"{key} is {found.get(key)}, expected {expected[key]}"
             for key, most in allowed.items() if not abs(found.get(key, math.nan) - expected[key]) <= most]
    if len(records) - 1 != expected["lines"]:
        wrong.append(f"{len(records) - 1} records of lines, expected {expected['lines']}")
    total = math.fsum(record["logprob"] for record in records[:-1])
    if not abs(total - found["logprob"]) <= 1e-6 * abs(total):
        wrong.append(f"the lines sum to the log-probability {total}, and the summary says {found['logprob']}")
    off = abs(found["perplexity"] / expected["perplexity"] - 1)
    return f"perplexity {found['perplexity']:.6g}, {100 * off:.2g} % off, allowed 0.1 %", wrong


def main(arguments):
    compare = {"trace": compare_trace, "ranks": compare_ranks, "scores": compare_scores}[arguments[0]]
    summary, wrong = compare(*arguments[1:])
    print("\n".join(wrong[:MOST_SHOWN] + ([f"... and {len(wrong) - MOST_SHOWN} more"] if len(wrong) > MOST_SHOWN else []) or [summary]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
