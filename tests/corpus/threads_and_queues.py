# Work in threads that are started in one cell and joined in the next
# warns: background work

# %%
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
%load_ext nbtrack

# %%
tasks = queue.Queue()
results = {}
for i in range(6):
    tasks.put(i)

# %%
def worker():
    while True:
        try:
            i = tasks.get_nowait()
        except queue.Empty:
            return
        results[i] = float(np.linalg.norm(np.random.RandomState(i).randn(20)))


threads = [threading.Thread(target=worker) for _ in range(2)]

# %%
for thread in threads:
    thread.start()

# %%
for thread in threads:
    thread.join()

# %%
pool = ThreadPoolExecutor(2)
futures = [pool.submit(lambda v: v**2, results[i]) for i in sorted(results)]

# %%
pool.shutdown(wait=True)
squares = [f.result() for f in futures]

# %%
%%track threads
{"total": sum(squares), "first": results[0]}
