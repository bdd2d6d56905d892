"""The entities of an RO-Crate 1.1 that describes runs, after the Process Run Crate profile.

https://w3id.org/ro/crate/1.1, https://w3id.org/ro/wfrun/process/0.5
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from nbtrack.entities import Run
from nbtrack.entities.runs import ERROR_TAG

METADATA = "ro-crate-metadata.json"
CRATE = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
# RO-Crate 1.1 itself does not know sha256
CONTEXT = (f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context")
_STATUS = {
    "FINISHED": "CompletedActionStatus",
    "FAILED": "FailedActionStatus",
    "KILLED": "FailedActionStatus",
    "INTERRUPTED": "FailedActionStatus",
}
_LICENSE = "#license"


class Crate:
    """The graph of an RO-Crate, entity by entity.

    Parameters
    ----------
    name, description : str
        Of the whole.
    license_text : str
        What is known about rights.
    """

    def __init__(self, name: str, description: str, license_text: str) -> None:
        self._entities: dict[str, dict[str, Any]] = {}
        self._root = {"name": name, "description": description}
        self._mentions: list[str] = []
        self._parts: list[str] = []
        self._author = ""
        self.add(_LICENSE, "CreativeWork", name="License", description=license_text)

    def add(self, entity_id: str, kind: str | Sequence[str], /, **fields: Any) -> str:
        """Add an entity, if there is none with that id, and return the id.

        A list of one is no list, as RO-Crate recommends.

        Parameters
        ----------
        entity_id : str
            A path in the crate, a URL, or ``#`` and a word.
        kind : str or sequence of str
            Its types.
        **fields
            Those that are None or empty are left out.
        """
        kept = {
            key: value[0] if isinstance(value, list) and len(value) == 1 else value
            for key, value in fields.items()
            if value not in (None, "", [])
        }
        self._entities.setdefault(entity_id, {"@id": entity_id, "@type": kind, **kept})
        return entity_id

    def part(self, path: str, kind: str | Sequence[str], /, **fields: Any) -> str:
        """Add a file or a folder that is in the crate; its path is made a URI reference."""
        self._parts.append(name := quote(path))
        return self.add(name, kind, **fields)

    def data(self, path: str, sha256: str | None, size: int, about: str = "") -> str:
        """Add a file or folder that the crate describes and does not have."""
        word = sha256[:16] if sha256 else _word(path)
        return self.add(
            f"#data-{word}-{_word(path)}",
            "CreativeWork",
            name=path,
            description=about,
            identifier=f"sha256:{sha256}" if sha256 else None,
            sha256=sha256,
            size=str(size),
        )

    def values(self, run: Run, kind: str, values: Mapping[str, Any]) -> list[str]:
        """Add params or metrics of a run."""
        return [
            self.add(
                f"#{kind}-{run.info.run_id}-{_word(key)}",
                "PropertyValue",
                name=key,
                value=value,
            )
            for key, value in sorted(values.items())
        ]

    def software(
        self, python: str | None, packages: Mapping[str, str], driver: str | None = None
    ) -> list[str]:
        """Add the software that a run was made with: what its code requires."""
        kind = "SoftwareApplication"
        found = []
        if python:
            url = f"https://www.python.org/downloads/release/python-{python.replace('.', '')}/"
            found.append(self.add(url, kind, name="Python", softwareVersion=python, url=url))
        for name, version in sorted(packages.items()):
            url = f"https://pypi.org/project/{quote(name)}/{quote(version)}/"
            found.append(self.add(url, kind, name=name, softwareVersion=version, url=url))
        if driver:
            name = f"#gpu-driver-{_word(driver)}"
            found.append(self.add(name, kind, name="GPU driver", softwareVersion=driver))
        return found

    def action(
        self,
        run: Run,
        instrument: str,
        objects: Iterable[str],
        results: Iterable[str],
        about: str,
    ) -> str:
        """Add a run: what it used, what went into it and what came out of it."""
        info = run.info
        user = info.user_id or "unknown"
        agent = self.add(f"#person-{_word(user)}", "Person", name=user)
        self._author = self._author or agent
        status = _STATUS.get(info.status, "ActiveActionStatus")
        failed = status == "FailedActionStatus"
        name = self.add(
            f"#{info.run_id}",
            "CreateAction",
            name=f"The run {info.run_name}",
            description=about,
            instrument=ref(instrument),
            object=refs(objects),
            result=refs(results),
            agent=ref(agent),
            startTime=_iso(info.start_time),
            endTime=_iso(info.end_time) if info.end_time else None,
            actionStatus=ref(f"http://schema.org/{status}"),
            error=run.data.tags.get(ERROR_TAG) if failed else None,
        )
        self._mentions.append(name)
        return name

    def document(self) -> dict[str, Any]:
        """Return the JSON-LD, for a file with the name ``ro-crate-metadata.json``."""
        kind = "CreativeWork"
        self.add(METADATA, kind, about=ref("./"), conformsTo=ref(CRATE))
        self.add(PROFILE, kind, name="Process Run Crate", version="0.5")
        self.add(
            "./",
            "Dataset",
            **self._root,
            datePublished=datetime.now(UTC).date().isoformat(),
            license=ref(_LICENSE),
            author=ref(self._author) if self._author else None,
            conformsTo=ref(PROFILE),
            hasPart=refs(self._parts),
            mentions=refs(self._mentions),
        )
        first = [self._entities.pop(name) for name in (METADATA, "./", PROFILE)]
        return {"@context": list(CONTEXT), "@graph": [*first, *self._entities.values()]}


def ref(name: str) -> dict[str, str]:
    """Return a reference to an entity."""
    return {"@id": name}


def refs(names: Iterable[str]) -> list[dict[str, str]]:
    """Return references to entities, each once."""
    return [ref(name) for name in dict.fromkeys(names)]


def _word(text: str) -> str:
    """Return a text as part of an ``@id``; two texts are two words."""
    word = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")
    if word == text and len(word) <= 80:
        return word
    return f"{word[:60]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _iso(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="seconds")
