"""What was seen while a cell ran: which names and files it changed, what it drew at random."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Finding:
    """Why a run may not give the same numbers when it is run again, or what is good to know then.

    Attributes
    ----------
    kind : str
        A short name, such as ``"unseeded"``: findings of one kind make one badge.
    level : {"warning", "info"}
    text : str
        In a sentence.
    """

    kind: str
    level: Literal["warning", "info"]
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {"kind": self.kind, "level": self.level, "text": self.text}


@dataclass
class Observation:
    """What was seen of one cell; the parts that watch it fill it in.

    Attributes
    ----------
    follows : bool
        Whether the cell before was watched as well, and nothing went on beside it.
    complete : bool
        Whether all names that the cell mentions were looked at, before and after it.
    reads : set of str
        The variables that the cell mentions, and those that functions in reach of it use.
    bound : set of str
        Variables that are another object after the cell, or new.
    deleted : set of str
        Variables that are gone.
    changed : set of str
        Variables whose object was changed in place, or reaches one that was, or shares its memory.
    regrouped : set of str
        Those of them that reach other objects than before.
    unproven : set of str
        Variables of which nobody can say whether they were changed: opaque or too large.
    between : set of str
        Variables that are not what the cells before have left, as far as that was seen: something
        ran between the cells, or a cell has changed them in a way that nobody saw.
    beside_work : bool
        Whether work went on when the cell began that an earlier one had started: that is what may
        have changed variables meanwhile.
    world_between : set of str
        What of the process was changed like that.
    world : set of str
        What it changed of the process: ``"working directory"``, ``"environment: KEY"``, settings of
        libraries, attributes of modules.
    sets_up : set of str
        Libraries that it may have set up, in a way that nobody watches.
    files_read, files_written : set of str
        Paths with slashes, relative to the working directory: below it, or above it in the same
        project.
    random_state : RandomState or None
        The state of the generators before the cell, if it drew from one.
    seeded : set of str
        The generators that the cell has seeded.
    findings : list of Finding
    milliseconds : float
        What watching took.
    """

    follows: bool = False
    complete: bool = False
    reads: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    regrouped: set[str] = field(default_factory=set)
    unproven: set[str] = field(default_factory=set)
    between: set[str] = field(default_factory=set)
    beside_work: bool = False
    world_between: set[str] = field(default_factory=set)
    world: set[str] = field(default_factory=set)
    sets_up: set[str] = field(default_factory=set)
    files_read: set[str] = field(default_factory=set)
    files_written: set[str] = field(default_factory=set)
    random_state: Any = None
    seeded: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    milliseconds: float = 0.0
