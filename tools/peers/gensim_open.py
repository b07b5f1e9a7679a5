"""gensim_open.py FILE: opens Word2Vec vectors with gensim; prints the seconds inside the call and the memory of the process."""
import json
import resource
import sys
import time

import gensim

began = time.perf_counter()
vectors = gensim.models.KeyedVectors.load_word2vec_format(sys.argv[1], binary=True)
took = time.perf_counter() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"median_s": took, "bytes": memory, "words": len(vectors), "version": gensim.__version__}))
