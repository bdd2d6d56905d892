"""What came over, what was there already, and what could not, with reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

SHOWN = 20


@dataclass
class Row:
    """One line of a report: what kind of thing, and how many of them.

    Attributes
    ----------
    what : str
        Such as ``"runs"``.
    came : int
        New over there.
    known : int
        Were there already.
    failed : int
        Could not come; ``Report.problems`` says why.
    reason : str
        The reasons in one line, the most frequent first.
    """

    what: str
    came: int = 0
    known: int = 0
    failed: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Problem:
    """Something that could not come, or not as it was: what, its name, and why."""

    what: str
    name: str
    reason: str


@dataclass
class Report:
    """What an import or an export did; its text is a table.

    Attributes
    ----------
    source, target : str
        Where from and where to.
    problems : list of Problem
        What could not come.
    notes : list of str
        What came in another form.
    seconds : float
    """

    source: str
    target: str
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    _rows: dict[str, Row] = field(default_factory=dict, repr=False)

    def count(self, what: str, *, came: int = 0, known: int = 0) -> None:
        """Count what came, or was there already.

        Parameters
        ----------
        what : str
            The kind of thing, such as ``"runs"``.
        came, known : int
            How many are new over there, and how many were there.
        """
        row = self._rows.setdefault(what, Row(what))
        row.came += came
        row.known += known

    def fail(self, what: str, name: str, reason: object) -> None:
        """Say that something could not come, once.

        Parameters
        ----------
        what, name : str
            The kind of thing and which one.
        reason : object
            Why; its text.
        """
        problem = Problem(what, name, " ".join(str(reason).split()))
        if problem not in self.problems:
            self.problems.append(problem)
            self._rows.setdefault(what, Row(what)).failed += 1

    def note(self, text: str) -> None:
        """Say once that something came in another form.

        Parameters
        ----------
        text : str
            What came, and how.
        """
        if text not in self.notes:
            self.notes.append(text)

    @property
    def ok(self) -> bool:
        """Whether everything came."""
        return not self.problems

    @property
    def rows(self) -> list[Row]:
        """One row for each kind of thing."""
        for row in self._rows.values():
            reasons = Counter(p.reason for p in self.problems if p.what == row.what)
            row.reason = "; ".join(reason for reason, _ in reasons.most_common(2))
        return list(self._rows.values())

    def __str__(self) -> str:
        cells = [("", "came", "known", "failed")]
        cells += [(r.what, f"{r.came:,}", f"{r.known:,}", f"{r.failed:,}") for r in self.rows]
        widths = [max(len(line[i]) for line in cells) for i in range(4)]
        lines = [f"{self.source} -> {self.target} ({self.seconds:.1f} s)"]
        lines += [
            "  ".join([line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in (1, 2, 3))])
            for line in cells
        ]
        lines += [f"could not come: {p.what} {p.name}: {p.reason}" for p in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"... and {len(self.problems) - SHOWN} more, see .problems")
        lines += [f"note: {text}" for text in self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{name}</th>" for name in ("", "came", "known", "failed", "why"))
        body = "".join(
            f"<tr><td>{escape(r.what)}</td><td>{r.came:,}</td><td>{r.known:,}</td>"
            f"<td>{r.failed:,}</td><td>{escape(r.reason)}</td></tr>"
            for r in self.rows
        )
        notes = "".join(f"<li>{escape(text)}</li>" for text in self.notes)
        title = f"{escape(self.source)} → {escape(self.target)}"
        return f"<p>{title}</p><table><tr>{head}</tr>{body}</table><ul>{notes}</ul>"


class ImportReport(Report):
    """What ``import_from`` did."""


class ExportReport(Report):
    """What ``export_to`` did."""
