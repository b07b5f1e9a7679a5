"""Runs wordahead and its peers in turns, compares their answers, and writes a table and a plot. tools/bench_peers sets up and calls it.

Every group below is one question put to everybody. In each of several rounds everybody answers it for a while, one after another, and the
next round begins with somebody else. Rounds that other programs disturbed are repeated. A ratio is peer / wordahead of one round; the table gives the median of the rounds, and the
smallest and the largest.
"""
import argparse
import fnmatch
import json
import os
import re
import subprocess
import sys
import time

import agree
import report

# Question, what the peers run (None: see OPENING), and what wordahead runs with the ratio that is to be reached (None: only reported).
GROUPS = [
    ("rank, T=16, N=33,278", ("last-33278-16", 1),
     [("rank/33278/f32", 1.4), ("rank/33278/bf16", 2.2), ("rank/33278/f32/words", None), ("rank/33278/bf16/words", 3.5)]),
    ("rank, T=16, N=200,000", ("last-200000-16", 1),
     [("rank/200000/f32", None), ("rank/200000/bf16", 1.8), ("rank/200000/f32/words", None), ("rank/200000/bf16/words", 3.5)]),
    ("one more word, T=16, N=33,278", ("last-33278-16", 1),
     [("next/33278/f32", None), ("next/33278/bf16", None), ("next/33278/f32/words", None), ("next/33278/bf16/words", 3.0)]),
    ("rank 64 texts, T=32, N=33,278", ("last-33278-32", 64),
     [("rank64/33278/f32", 2.0), ("rank64/33278/bf16", None), ("rank64/33278/f32/words", None), ("rank64/33278/bf16/words", 4.0)]),
    ("log-probabilities, 64 x 32, N=33,278; peers: top 10 of each", ("all-33278-32", 64),
     [("score64/33278/f32", 1.8), ("score64/33278/bf16", None)]),
    ("log-probabilities, 64 x 32, N=33,278; peers: those of the words", ("score-33278-32", 64),
     [("score64/33278/f32", None), ("score64/33278/bf16", None)]),
]
OPENING = [
    ("open 1,000,000 x 224 binary", "n1000000/vectors.bin", "open/1000000/binary", 20.0),
    ("open 200,000 x 224 gzip", "n200000/vectors.bin.gz", "open/200000/gzip", 2.0),
]
MOST_DISTURBED = 0.1  # a round in which other programs used more of the processors than this is repeated, `rounds` times at most
HERE = os.path.dirname(os.path.abspath(__file__))


class Server:
    """A program that answers one line with one line."""

    def __init__(self, name, command, threads, encode=json.dumps):
        limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        self.name = name
        self.encode = encode
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **limits})

    def ask(self, request):
        self.process.stdin.write(self.encode(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench_peers: {self.name} ended while asked {request}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run_command(command):
    """Wall seconds and peak memory of a whole process, and its output."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench_peers: {' '.join(command)} ended with {process.returncode}")
    return {"median_s": took, "bytes": usage.ru_maxrss * 1024, "out": out}


class Bystanders:
    """The share of the processors that programs other than those measured used: with few processors one of them spoils a figure, and
    most of all that of an engine whose threads wait for each other."""

    def __init__(self, servers):
        self.pids = [server.process.pid for server in servers]
        self.tick_s = 1 / os.sysconf("SC_CLK_TCK")
        self.last = self.look()

    def look(self):
        """When, seconds that all programs were running, seconds of ours: the servers, this one and the children that ended."""
        if not os.path.exists("/proc/stat"):
            return time.monotonic(), 0.0, 0.0
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, *rest = map(int, file.readline().split()[1:9])
        ours = sum(os.times()[:4])
        for pid in self.pids:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                ours += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) * self.tick_s
        return time.monotonic(), (user + nice + system + sum(rest)) * self.tick_s, ours

    def share(self):
        """Since the last time, of one whole machine."""
        before, self.last = self.last, self.look()
        took, busy, ours = (b - a for a, b in zip(before, self.last))
        return max(0.0, busy - ours) / (took * os.cpu_count())


def take_turns(tasks, rounds, bystanders):
    """tasks: [(who, function giving a result)]; what each gave, a list of rounds of {who: result}, and of each round how much it was
    disturbed. Programs let their threads spin for a while after a call, so there is a short rest between two."""
    found = []
    for i in range(2 * rounds):
        shift = i % len(tasks)
        row = {}
        bystanders.share()
        for who, task in tasks[shift:] + tasks[:shift]:
            time.sleep(0.02)
            row[who] = task()
        found.append((bystanders.share(), row))
        print("." if found[-1][0] <= MOST_DISTURBED else "!", end="", file=sys.stderr, flush=True)
        if sum(disturbed <= MOST_DISTURBED for disturbed, _ in found) >= rounds:
            break
    return sorted(found, key=lambda one: one[0])[:rounds]


def is_asked(args, *names):
    return not args.globs or any(fnmatch.fnmatch(name, glob) for name in names for glob in args.globs)


def run_groups(args, ours, peers, bystanders):
    for question, (graph, batch), variants in GROUPS:
        variants = [v for v in variants if is_asked(args, v[0])]
        if not variants:
            continue
        print(f"\n{question} ", end="", file=sys.stderr)
        request = {"do": "time", "graph": graph, "batch": batch, "seconds": args.seconds}
        tasks = [(name, lambda peer=peer: peer.ask(request)) for name, peer in peers.items()]
        tasks += [(name, lambda name=name: ours.ask((name, args.seconds))) for name, _ in variants]
        yield question, "onnxruntime", variants, take_turns(tasks, args.rounds, bystanders)


def run_opening(args, ours, bystanders):
    program = os.path.join(args.build, "wordahead")
    for question, file, workload, goal in OPENING:
        if not is_asked(args, workload):
            continue
        print(f"\n{question} ", end="", file=sys.stderr)
        path = os.path.join(args.data, file)
        whole = f"vectors info {os.path.basename(path)}"
        tasks = [
            ("gensim", lambda: json.loads(run_command([sys.executable, f"{HERE}/gensim_open.py", path])["out"])),
            (workload, lambda: ours.ask((workload, args.seconds))),
            (whole, lambda: run_command([program, "vectors", "info", path])),
        ]
        yield question, "gensim", [(workload, goal), (whole, None)], take_turns(tasks, args.rounds, bystanders)
    if is_asked(args, "first answer"):
        print("\nfirst answer ", end="", file=sys.stderr)
        tasks = [
            ("import numpy", lambda: run_command([sys.executable, "-c", "import numpy"])),
            ("first answer", lambda: run_command([program, "rank", "-k", "5", "The cat sat on the"])),
        ]
        yield "first answer of the built-in model, whole process", "import numpy", [("first answer", 1.0)], take_turns(
            tasks, 4 * args.rounds, bystanders)


def collect_answers(args, ours_command, peers):
    """A file of answers from everybody; texts are those of the groups."""
    asked = [name for _, _, variants in GROUPS for name, _ in variants if is_asked(args, name)]
    if not asked:
        return []
    files = {name: os.path.join(args.out, f"answers-{name}.tsv") for name in ["wordahead", *peers]}
    for file in files.values():
        if os.path.exists(file):
            os.remove(file)
    print("answers", end="", file=sys.stderr, flush=True)
    subprocess.run([*ours_command, "--seconds", "0.001", "--answers", files["wordahead"], *sorted(set(asked))], check=True,
                   stdout=subprocess.DEVNULL)
    for _, (graph, batch), variants in GROUPS:
        if graph.startswith("all") or not any(name in asked for name, _ in variants):
            continue
        for name, peer in peers.items():
            peer.ask({"do": "answer", "graph": graph, "batch": batch, "name": variants[0][0], "file": files[name]})
    return agree.compare(files, [(variants[0][0], [v[0] for v in variants if v[0] in asked])
                                 for _, (graph, _), variants in GROUPS if not graph.startswith("all")])


def describe_machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{model.group(1) if model else 'unknown processor'}, {len(os.sched_getaffinity(0))} processors, " + time.strftime("%Y-%m-%d")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/bench_peers", description="wordahead and its peers, in turns")
    parser.add_argument("--rounds", type=int, default=7, help="turns of everybody (default 7)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of one turn (default 0.5)")
    parser.add_argument("--threads", type=int, default=2, help="of everybody (default 2)")
    parser.add_argument("--peers", default="onnxruntime,pytorch", help="beside gensim (default onnxruntime,pytorch)")
    parser.add_argument("--data", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--graphs", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", required=True, help="folder for the results (default build/peers/results)")
    parser.add_argument("globs", nargs="*", metavar="NAME-GLOB", help="workloads, as `bench --list` names them; and 'first answer'")
    return parser.parse_args()


def main():
    args = parse_arguments()
    os.makedirs(args.out, exist_ok=True)
    bench = [os.path.join(args.build, "bench"), "--data", args.data, "--threads", str(args.threads)]
    commands = {
        "onnxruntime": ["node", f"{HERE}/onnxruntime_server.js", args.data, args.graphs, str(args.threads)],
        "pytorch": [sys.executable, f"{HERE}/pytorch_server.py", args.data, str(args.threads)],
    }
    peers = {name: Server(name, commands[name], args.threads) for name in args.peers.split(",")}
    ours = Server("wordahead", [*bench, "--serve"], args.threads, lambda request: "%s %g" % request)
    facts = [describe_machine(), f"{args.threads} threads, {args.rounds} rounds of {args.seconds:g} s"]
    facts += [f"{name} {peer.ask({'do': 'version'})['version']}" for name, peer in peers.items()]
    checks = collect_answers(args, bench, peers)
    bystanders = Bystanders([ours, *peers.values()])
    found = list(run_groups(args, ours, peers, bystanders)) + list(run_opening(args, ours, bystanders))
    print(file=sys.stderr)
    for server in [ours, *peers.values()]:
        server.close()
    report.write(args.out, facts, found, checks)
    if not all(check["is_fine"] for check in checks):
        sys.exit("bench_peers: the answers do not agree")


if __name__ == "__main__":
    main()
