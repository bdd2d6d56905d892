"""``python -m nbtrack.models.serve``; from Python it is the function ``nbtrack.models.serve``."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a model until SIGTERM or SIGINT; return the exit status."""
    from nbtrack.models.serving import check_tornado
    from nbtrack.server.scoring.program import main as serve

    check_tornado()
    return serve(arguments)


if __name__ == "__main__":
    sys.exit(main())
