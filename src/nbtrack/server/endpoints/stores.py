"""Which stores there are, and which of them somebody looks at."""

from __future__ import annotations

from nbtrack.errors import InvalidParameterError
from nbtrack.server import wire
from nbtrack.server.messages import Reply, Request
from nbtrack.server.site import Site
from nbtrack.views.questions import Question


def stores(site: Site, request: Request) -> Reply:
    """List the stores; ``?refresh=1`` looks for new ones at once."""
    refresh = request.query.get(wire.REFRESH, "0") not in ("", "0", "false")
    return Reply({wire.STORES: site.catalog.listing(refresh=refresh)})


def watch(site: Site, request: Request) -> Reply:
    """Announce changes of a store for some seconds from now on; 0 seconds end it."""
    asked = Question(request.json())
    store_id = asked.text(wire.STORE)
    seconds = asked.number(wire.SECONDS, 60.0)
    if seconds < 0:
        raise InvalidParameterError(f"seconds is {seconds:g}; it cannot be negative.")
    site.leases.extend(site.catalog.find(store_id), min(seconds, wire.MAX_LEASE_S))
    return Reply({wire.STORE: store_id, wire.SECONDS: min(seconds, wire.MAX_LEASE_S)})
