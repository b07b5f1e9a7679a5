"""What was found, as table.md, table.tsv, plot.svg and rounds.jsonl in a folder."""
import html
import json
import statistics


def seconds(value):
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1:
            break
    return f"{value * factor:.3g} {unit}"


def rows_of(found):
    """One row for each variant of wordahead in each group."""
    for question, peer, variants, turns in found:
        rounds = [row for _, row in turns]
        for name, goal in variants:
            ratios = sorted(row[peer]["median_s"] / row[name]["median_s"] for row in rounds)
            medians = {who: statistics.median(row[who]["median_s"] for row in rounds) for who in rounds[0]}
            memory = {who: max(row[who].get("bytes", 0) for row in rounds) for who in rounds[0]} if peer == "gensim" else {}
            yield {
                "question": question, "name": name, "peer": peer, "peer_s": medians[peer], "ours_s": medians[name],
                "pytorch_s": medians.get("pytorch"), "ratio": statistics.median(ratios), "least": ratios[0], "most": ratios[-1],
                "goal": goal, "peer_bytes": memory.get(peer), "ours_bytes": None if name.startswith("open/") else memory.get(name),
                "computed": rounds[-1][name].get("share_computed"), "heap": rounds[-1][name].get("heap_most_bytes_per_word"),
                "disturbed": max(disturbed for disturbed, _ in turns),
            }


def remark(row):
    parts = []
    if row["computed"] is not None:
        parts.append(f"{row['computed']:.2%} of the words computed")
    if row["heap"] is not None:
        parts.append(f"heap {row['heap']:.0f} bytes a word")
    if row["peer_bytes"]:
        parts.append(f"{row['peer']} {row['peer_bytes'] / 1e9:.2f} GB")
    if row["ours_bytes"]:
        parts.append(f"process {row['ours_bytes'] / 1e9:.2f} GB, the mapped file included")
    if row["disturbed"] > 0.1:
        parts.append(f"disturbed: others used up to {row['disturbed']:.0%} of the machine")
    return ", ".join(parts)


def write_markdown(path, facts, rows, checks):
    with open(path, "w", encoding="utf-8") as out:
        print("; ".join(facts), file=out)
        print("\n| question | wordahead | peer | peer takes | PyTorch takes | wordahead takes | ratio | of the rounds | to reach | |", file=out)
        print("|---|---|---|---|---|---|---|---|---|---|", file=out)
        for r in rows:
            torch = seconds(r["pytorch_s"]) if r["pytorch_s"] else ""
            goal = f"{r['goal']:g} {'reached' if r['ratio'] >= r['goal'] else '**missed**'}" if r["goal"] else ""
            print(f"| {r['question']} | `{r['name']}` | {r['peer']} | {seconds(r['peer_s'])} | {torch} | {seconds(r['ours_s'])} | "
                  f"**{r['ratio']:.2f}** | {r['least']:.2f} to {r['most']:.2f} | {goal} | {remark(r)} |", file=out)
        if checks:
            print("\n| answers of | texts | largest difference | changed places | |\n|---|---|---|---|---|", file=out)
        for c in checks:
            print(f"| {c['what']} | {c['texts']} | {c['difference']:.2g} | {c['swaps']} | {'agree' if c['is_fine'] else '**differ**'} |",
                  file=out)


def write_tsv(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        print(*rows[0], sep="\t", file=out)
        for row in rows:
            print(*("" if value is None else value for value in row.values()), sep="\t", file=out)


def write_plot(path, facts, rows):
    """A bar for each ratio, on a logarithmic scale, a tick where the goal is. No library: an SVG is text."""
    import math

    left, width, step, top = 370, 480, 22, 46
    low, high = 0.1, 100.0
    at = lambda ratio: left + width * math.log(max(low, min(high, ratio)) / low) / math.log(high / low)
    height = top + step * len(rows) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{left + width + 80}" height="{height}" fill="#fff"/>',
        '<text x="10" y="18" font-size="14">How many times as fast as the peer (red: the ratio to reach)</text>',
        f'<text x="10" y="34" fill="#666" font-size="10">{html.escape("; ".join(facts))}</text>',
    ]
    for mark in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100):
        x = at(mark)
        lines.append(f'<path d="M{x:.1f} {top}V{height - 24}" stroke="{"#444" if mark == 1 else "#ddd"}"/>')
        lines.append(f'<text x="{x:.1f}" y="{height - 10}" text-anchor="middle" fill="#666">{mark:g}</text>')
    for i, row in enumerate(rows):
        y = top + step * i + 3
        x, end = at(1), at(row["ratio"])
        color = "#999" if row["goal"] is None else "#2a7" if row["ratio"] >= row["goal"] else "#d80"
        peer = row["peer"] + "".join(row["question"].partition("; peers")[1:]).replace("; peers:", ",")
        lines.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(row["name"])} / {peer}</text>')
        lines.append(f'<rect x="{min(x, end):.1f}" y="{y}" width="{max(abs(end - x), 1):.1f}" height="{step - 8}" fill="{color}"/>')
        beyond = max(x, end, at(row["goal"] or 1)) + 5
        lines.append(f'<text x="{beyond:.1f}" y="{y + 12}">{row["ratio"]:.2f}</text>')
        if row["goal"]:
            lines.append(f'<path d="M{at(row["goal"]):.1f} {y - 2}V{y + step - 6}" stroke="#c00" stroke-width="2"/>')
    with open(path, "w", encoding="utf-8") as out:
        print(*lines, "</svg>", sep="\n", file=out)


def write(folder, facts, found, checks):
    rows = list(rows_of(found))
    with open(f"{folder}/rounds.jsonl", "w", encoding="utf-8") as out:
        for question, peer, _, turns in found:
            for disturbed, row in turns:
                print(json.dumps({"question": question, "peer": peer, "disturbed": round(disturbed, 3), "round": row}), file=out)
    if rows:
        write_tsv(f"{folder}/table.tsv", rows)
        write_plot(f"{folder}/plot.svg", facts, rows)
    write_markdown(f"{folder}/table.md", facts, rows, checks)
    with open(f"{folder}/table.md", encoding="utf-8") as file:
        print(file.read(), end="")
