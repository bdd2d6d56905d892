"""SQL by name: ``SQL["runs.create"]`` is the block ``-- name: create`` of ``sql/runs.sql``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def _load(noun: str) -> dict[str, str]:
    text = resources.files(__package__).joinpath("sql", f"{noun}.sql").read_text("utf-8")
    parts = _NAME.split(text)[1:]
    return {
        name: body.strip().rstrip(";") for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


class _Queries(Mapping[str, str]):
    def __getitem__(self, name: str) -> str:
        noun, _, query = name.partition(".")
        return _load(noun)[query]

    def __iter__(self) -> Iterator[str]:
        for file in resources.files(__package__).joinpath("sql").iterdir():
            if file.name.endswith(".sql"):
                noun = file.name.removesuffix(".sql")
                yield from (f"{noun}.{query}" for query in _load(noun))

    def __len__(self) -> int:
        return sum(1 for _ in self)


SQL = _Queries()


def migrations() -> list[tuple[int, str, str]]:
    """Return (version, name, SQL) of every migration, oldest first."""
    folder = resources.files(__package__).joinpath("sql", "migrations")
    found = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [
        (int(name[:4]), name[5:].removesuffix(".sql"), folder.joinpath(name).read_text("utf-8"))
        for name in found
    ]
