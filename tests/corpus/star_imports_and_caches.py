# Star imports, lru_cache, memo in a default argument

# %%
from functools import cached_property, lru_cache
from math import *
%load_ext nbtrack

# %%
calls = []


@lru_cache(maxsize=None)
def slow(n):
    calls.append(n)
    return sqrt(n) + len(calls)

# %%
warm = [slow(n) for n in (4, 9, 16)]

# %%
def remember(key, value=None, memo={}):
    if value is not None:
        memo[key] = value
    return memo.get(key, 0)


remember("a", 3)

# %%
remember("b", sin(1.0))

# %%
class Table:
    def __init__(self, rows):
        self.rows = rows

    @cached_property
    def total(self):
        return sum(self.rows)


table = Table([1, 2, 3])

# %%
table.total

# %%
table.rows.append(100)

# %%
%%track caches
values = slow(9) + slow(25)
{"values": values, "memo": remember("a") + remember("b"), "total": table.total, "calls": len(calls)}
