# State in objects of the standard library that libraries rarely look at

# %%
import asyncio
import contextvars
import logging
import threading
import warnings
import weakref
from collections import ChainMap, Counter, UserDict
from logging.handlers import MemoryHandler
from types import SimpleNamespace
%load_ext nbtrack

# %%
waiting = asyncio.Queue()
stopped = threading.Event()
local = threading.local()
slots = threading.Semaphore(3)
depth = contextvars.ContextVar("depth", default=1)
cache = weakref.WeakValueDictionary()
sizes = weakref.WeakKeyDictionary()
messages = MemoryHandler(1000)
log = logging.getLogger("training")

class Node:
    def __init__(self, value):
        self.value = value

keep = [Node(3), Node(4)]

# %%
waiting.put_nowait(5)

# %%
stopped.set()

# %%
local.rate = 0.25

# %%
slots.acquire()

# %%
depth.set(7)

# %%
cache["best"] = keep[1]

# %%
sizes[keep[0]] = 11

# %%
messages.emit(logging.LogRecord("a", 20, "", 1, "one", (), None))

# %%
log.setLevel(15)

# %%
%%track quiet
{
    "queued": waiting.qsize(),
    "stopped": float(stopped.is_set()),
    "rate": getattr(local, "rate", 0.0),
    "free": slots._value,
    "depth": depth.get(),
    "best": cache["best"].value if "best" in cache else 0,
    "size": sizes.get(keep[0], 0),
    "messages": len(messages.buffer),
    "level": log.level,
}
