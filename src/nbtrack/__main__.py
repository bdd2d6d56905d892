"""``python -m nbtrack`` is the command ``nbtrack``."""

from __future__ import annotations

from nbtrack.cli import main

if __name__ == "__main__":
    main()
