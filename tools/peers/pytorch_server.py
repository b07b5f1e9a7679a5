"""pytorch_server.py DATA THREADS: PyTorch as a peer; see server.py."""
import functools
import sys

import torch

import network
import server

data, n_threads = sys.argv[1], int(sys.argv[2])
torch.set_grad_enabled(False)
torch.set_num_threads(n_threads)


@functools.lru_cache(None)
def open_graph(graph):
    answer, n_words, n_tokens = graph.split("-")
    return network.load(data, int(n_words), int(n_tokens), answer), network.read_texts(f"{data}/n{n_words}/texts.txt")


def handle(request):
    if request["do"] == "version":
        return {"version": torch.__version__}
    module, texts = open_graph(request["graph"])
    is_score = request["graph"].startswith("score")

    def run(i):
        words, targets = (torch.from_numpy(x.copy()) for x in server.batch_of(texts, request["graph"], request["batch"], i))
        return (module(words, targets), targets) if is_score else module(words)

    if request["do"] == "time":
        return server.measure(run, request["seconds"])
    server.write_answers(request, texts, run)
    return {}


server.serve(handle)
