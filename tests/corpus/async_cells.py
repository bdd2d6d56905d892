# Awaiting in cells
# warns: background work

# %%
import asyncio

import numpy as np
%load_ext nbtrack

# %%
cache = {}


async def fetch(shard):
    await asyncio.sleep(0.01)
    cache[shard] = np.random.RandomState(shard).uniform(size=30)
    return shard

# %%
done = await asyncio.gather(*(fetch(i) for i in range(4)))

# %%
task = asyncio.create_task(fetch(10))

# %%
await task

# %%
async def batches():
    for shard in sorted(cache):
        yield cache[shard]


total = 0.0
async for batch in batches():
    total += batch.sum()

# %%
%%track shards
await asyncio.sleep(0)
{"total": float(total), "shards": len(cache), "tenth": float(cache[10].mean())}
