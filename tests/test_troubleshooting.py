"""Each message that asks users for something has an entry in docs/troubleshooting.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from source_tree import JS, ROOT, modules

pytest.importorskip("numpydoc", reason="needs what builds the documentation")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PAGE = CODE.sub("", (ROOT / "docs" / "troubleshooting.md").read_text("utf-8"))
# What was given is wrong, and the message says what is right: one entry is for all of them.
SAYS_IT_ITSELF = {"InvalidParameterError", "TypeError", "UsageError", "ValueError"}
# What is not quoted: how users would say what they see.
SYMPTOMS = (
    "`%%track` is not found",
    "There is no sidebar.",
    "An empty place where a chart should be",
    "A run that I logged is not in the table",
    "The kernel was restarted, and the run says INTERRUPTED.",
    "The run says *no sign of life for ... minutes*.",
    "The disk is full",
    "A journal is damaged",
)
VERBS = (
    "Add|Ask|Call|Change|Check|Choose|Close|Define|Delete|Download|End|Free|Get|Give|Have|Import|"
    "Install|Leave|Let|Load|Log|Look|Make|Move|Name|Open|Pass|Put|Read|Register|Remove|Restore|Run|"
    "Save|Say|Set|Start|Stop|Take|Try|Unset|Update|Upgrade|Use|Wait|Write"
)
ASKS = re.compile(rf"(?:^|[.;:)] )(?i:{VERBS})\b|pip install|make room")


def messages(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str, str]]:
    """Give all messages of the code: the module, what kind each is, and its text."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "_extensions")
    from generated_pages import messages_of

    for module, path in modules().items():
        for kind, text in messages_of(path):
            yield module, kind, " ".join(text.split())


def entries() -> list[list[str]]:
    """Return the messages that are quoted in bold, each as the parts between what is filled in."""
    bold = [" ".join(text.split()) for text in re.findall(r"\*\*(.+?)\*\*", PAGE, re.DOTALL)]
    quoted = [text for text in bold if text not in SYMPTOMS]
    assert len(bold) == len(quoted) + len(SYMPTOMS)
    parts = [[part for part in text.split("...") if part.strip(" .")] for text in quoted]
    return [each for each in parts if sum(map(len, each)) > 10]


def fits(text: str, parts: list[str]) -> bool:
    """Return whether a text has these parts, one after the other."""
    return bool(re.search(".*".join(map(re.escape, parts)), text, re.DOTALL))


def test_a_message_that_asks_for_something_has_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = {
        text: module
        for module, kind, text in messages(monkeypatch)
        if kind not in SAYS_IT_ITSELF and ASKS.search(text) and ".health." not in module
    }
    assert len(asking) > 100
    known = entries()
    missing = {t: m for t, m in asking.items() if not any(fits(t, each) for each in known)}
    assert missing == {}


def test_what_an_entry_quotes_is_said_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    code = [*(path.read_text("utf-8") for path in modules().values())]
    code += [path.read_text("utf-8") for path in JS.glob("*/src/**/*.ts")]
    told = [*(text for _, _, text in messages(monkeypatch)), *code]
    assert [each for each in entries() if not any(fits(text, each) for text in told)] == []
