"""The names that go over the wire."""

from __future__ import annotations

PREFIX = "nbtrack"
"""Below the server's base URL."""

STORE = "store"
REFRESH = "refresh"
SECONDS = "seconds"
BODY = "body"
BUFFERS = "buffers"
STORES = "stores"
RUN_ID = "run_id"
PATH = "path"
ERROR_CODE = "error_code"
MESSAGE = "message"

STORE_NOT_FOUND = "STORE_NOT_FOUND"

STORE_CHANGED = "https://nbtrack.dev/events/store-changed/v1"
STORE_CHANGED_SCHEMA = {
    "$id": STORE_CHANGED,
    "version": "1",
    "title": "A store of nbtrack has changed",
    "personal-data": False,
    "type": "object",
    "properties": {
        STORE: {"type": "string", "title": "The store", "description": "Its id."},
    },
    "required": [STORE],
}

MAX_BODY = 1024 * 1024
MAX_LEASE_S = 300.0
