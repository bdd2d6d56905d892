"""What the endpoints serve: the stores that were found, and who watches them."""

from __future__ import annotations

from dataclasses import dataclass

from nbtrack.server.catalog import Catalog
from nbtrack.server.watching import Leases


@dataclass(frozen=True)
class Site:
    """What one server has.

    Attributes
    ----------
    catalog : Catalog
        Its stores.
    leases : Leases
        The stores that somebody looks at now.
    """

    catalog: Catalog
    leases: Leases
