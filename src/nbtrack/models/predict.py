"""``python -m nbtrack.models.predict``; in Python it is the function ``nbtrack.models.predict``."""

from __future__ import annotations

import sys

from nbtrack.models.prediction import main

if __name__ == "__main__":
    sys.exit(main())
