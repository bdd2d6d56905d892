# Threads that have ended before their cell has

# %%
import threading
import time

%load_ext nbtrack

# %%
found = {}
scores = []

# %%
def fill():
    found["a"] = 3

class Scorer(threading.Thread):
    def __init__(self, where):
        super().__init__()
        self.where = where
        self.total = 0

    def run(self):
        self.total = 5
        self.where.append(self.total)

work = threading.Thread(target=fill)
scorer = Scorer(scores)
later = threading.Timer(0.01, scores.append, (8,))

# %%
work.start()
while work.is_alive():
    time.sleep(0.01)

# %%
scorer.start()
scorer.join()

# %%
later.start()
later.join()

# %%
%%track threads
{"a": found.get("a", 0), "total": scorer.total, "scores": sum(scores)}
