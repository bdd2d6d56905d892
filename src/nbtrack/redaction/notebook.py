"""Notebooks as they may be kept: no secrets in their code, nor in what it has printed."""

from __future__ import annotations

from typing import Any

from nbtrack.redaction.secrets import Secrets
from nbtrack.redaction.source import clean_source


def clean_notebook(notebook: dict[str, Any]) -> list[str]:
    """Take the secrets out of a notebook, in place.

    Parameters
    ----------
    notebook : dict
        What its file holds, in the format 4.

    Returns
    -------
    list of str
        What was taken out of the code, and ``"output"``.
    """
    values: set[str] = set()
    left_out: dict[str, None] = {}
    cells = [cell for cell in notebook.get("cells", []) if isinstance(cell, dict)]
    for cell in cells:
        source = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "code":
            clean = clean_source(source, Secrets(values=values))
            cell["source"] = clean.text
            values |= clean.values
            left_out |= dict.fromkeys(clean.left_out)
        else:
            cell["source"] = Secrets(values=values).text(source)
    secrets = Secrets(values=values)
    for cell in cells:
        if "outputs" in cell:
            kept = _clean(cell["outputs"], secrets)
            if kept != cell["outputs"]:
                cell["outputs"] = kept
                left_out["output"] = None
    return list(left_out)


def _clean(value: Any, secrets: Secrets) -> Any:
    """Return outputs without secrets; pictures, which are base64, stay as they are."""
    if isinstance(value, str):
        return secrets.text(value)
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):  # the lines of one text
            return secrets.text("".join(value)).splitlines(keepends=True)
        return [_clean(item, secrets) for item in value]
    if isinstance(value, dict):
        return {
            key: item if key.startswith(("image/", "audio/", "video/")) else _clean(item, secrets)
            for key, item in value.items()
        }
    return value
