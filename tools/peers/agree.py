"""Whether everybody gave the same answers: the same ten words in the same order, log-probabilities within 1e-4.

Two neighbours whose log-probabilities differ by less than that may have changed places; such swaps are counted. Without
probabilities the logits are compared instead, from the first word's on: they differ from log-probabilities by one number a text. Among
themselves, wordahead's variants must give the same bits.
"""
import collections
import math

TOLERANCE = 1e-4


def read(path):
    """{workload: {text: [(word, log-probability, last column)]}}, in the order of places."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(path, encoding="ascii") as file:
        for line in file:
            name, text, _, index, logprob, *rest = line.rstrip("\n").split("\t")
            found[name][int(text)].append((int(index), float(logprob), rest[0] if rest else ""))
    return found


def values_of(row):
    """Log-probabilities, or logits where there are none; and whether they are the first."""
    is_known = not math.isnan(row[0][1])
    return [logprob if is_known else float(last) for _, logprob, last in row], is_known


def compare_text(ours, theirs):
    """(largest difference, swaps, whether it is agreement)"""
    if not ours or len(ours) != len(theirs):
        return math.inf, 0, False
    a, is_known = values_of(ours)
    b, _ = values_of(theirs)
    shift = 0.0 if is_known else b[0] - a[0]
    difference = max(abs(x + shift - y) for x, y in zip(a, b))
    swaps = sum(x[0] != y[0] for x, y in zip(ours, theirs))
    fine = difference <= TOLERANCE
    value = {word: y for (word, _, _), y in zip(theirs, b)}
    for (word, _, _), (other, _, _), x in zip(ours, theirs, a):
        # A word that only one of them has may still be the eleventh by a hair: then its value is that of the tenth.
        fine = fine and (word == other or abs(value.get(word, b[-1]) - x - shift) <= TOLERANCE)
    return difference, swaps, fine


def compare_workload(name, ours, theirs, peer):
    results = [compare_text(ours[text], theirs[text]) for text in theirs]
    return {
        "what": f"{name} and {peer}",
        "texts": len(results),
        "difference": max(r[0] for r in results),
        "swaps": sum(r[1] for r in results),
        "is_fine": len(ours) == len(theirs) and all(r[2] for r in results),
    }


def compare_bits(first, name, ours):
    """Indices, logits and, where both have them, log-probabilities as they were printed, with the digits that tell floats apart."""
    is_known = not any(math.isnan(row[0][1]) for rows in (ours[first], ours[name]) for row in rows.values())
    pick = lambda rows: {text: [(word, last, logprob if is_known else 0) for word, logprob, last in row] for text, row in rows.items()}
    a, b = pick(ours[first]), pick(ours[name])
    differ = sum(a[text] != b.get(text) for text in a)
    return {"what": f"{name} and {first}, bit for bit", "texts": len(a), "difference": 0.0 if not differ else math.nan, "swaps": differ,
            "is_fine": differ == 0}


def compare(files, groups):
    """files: {who: path}, wordahead among them. groups: [(name the peers used, wordahead's workloads)]."""
    answers = {who: read(path) for who, path in files.items()}
    ours = answers.pop("wordahead")
    checks, seen = [], set()
    for name, workloads in groups:
        for workload in workloads:
            if workload in seen:
                continue
            seen.add(workload)
            checks += [compare_workload(workload, ours[workload], theirs[name], peer) for peer, theirs in answers.items()]
            if workload != workloads[0]:
                checks.append(compare_bits(workloads[0], workload, ours))
    return checks
