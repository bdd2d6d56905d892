"""The options of ``%%track``, and what completes them: experiments, runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)
from IPython.core.error import UsageError

from nbtrack.errors import NbtrackError
from nbtrack.notebook.literals import literal_params
from nbtrack.suggestions import did_you_mean
from nbtrack.tracking import context
from nbtrack.tracking.grid_samplers import SAMPLERS
from nbtrack.tracking.grid_values import Values, parse_values

USAGE = (
    "%%track [NAME] [-e EXPERIMENT] [-p key=value]... [-t key=value]... [-x name]... [--nested] "
    "[--resume RUN] [--grid name=values]... [--auto] [--quiet]"
)
_LONG = {"-e": "--experiment", "-p": "--param", "-t": "--tag", "-x": "--without", "-q": "--quiet"}
_OF_GRID = ("--sampler", "--trials", "--minimize", "--maximize", "--seed", "--jobs")
_WITH_VALUE = (
    *("--experiment", "--param", "--tag", "--without", "--resume", "--grid"),
    *_OF_GRID,
)
_FLAGS = ("--nested", "--quiet", "--auto")
KNOWN = (*_LONG, *_WITH_VALUE, *_FLAGS)
MAX_NAMES = 50
_LINE = re.compile(r"\s*%%track\s(?P<before>.*?)(?P<word>\S*)$")


@dataclass
class TrackOptions:
    """What the first line of a tracked cell asks for.

    Attributes
    ----------
    name : str or None
        The run's name.
    experiment : str or None
        The name of its experiment.
    params, tags : dict of str to str
    without : list of str
        Names, or patterns such as ``clf.*``, of what is found that is left out.
    nested : bool
        Whether the run belongs under the one that is open.
    resume : str or None
        The id or the name of a run to go on with.
    quiet : bool
        Whether there is no card.
    auto : bool
        Whether libraries and loops are logged by themselves while the cell runs.
    grid : dict of str to list or Range
        What varies: then the cell is run once for each combination.
    sampler : str
    trials, seed : int or None
    minimize, maximize : str or None
        The metric that tells which run is best.
    jobs : int
        How many processes run the combinations.
    line : str
        All of it, as it was written.
    """

    name: str | None = None
    experiment: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)
    nested: bool = False
    resume: str | None = None
    quiet: bool = False
    auto: bool = False
    grid: dict[str, Values] = field(default_factory=dict)
    sampler: str = "grid"
    trials: int | None = None
    minimize: str | None = None
    maximize: str | None = None
    seed: int | None = None
    jobs: int = 1
    line: str = ""

    @property
    def fixed(self) -> list[str]:
        """What code in the cell does not change: ``"name"``, ``"experiment"``, keys of tags."""
        known = {"name": self.name, "experiment": self.experiment}
        return [each for each in known if known[each] or self.resume] + list(self.tags)


def parse_options(line: str) -> TrackOptions:
    """Return what a line says, quotes and a trailing ``;`` taken off.

    Raises
    ------
    UsageError
        If it cannot be read; an unknown option gets the nearest one.
    """
    options = TrackOptions(line=f"%%track {line}".strip())
    words = iter(_words(line))
    for word in words:
        if word.startswith("-") and word != "-":
            _read_option(options, word, words)
        elif options.name is None:
            options.name = word
        else:
            raise UsageError(
                f"%%track takes one name, and got {options.name!r} and {word!r}. "
                f"Put a name with spaces in quotes. Usage: {USAGE}"
            )
    if options.resume and options.nested:
        raise UsageError("--resume goes on with a run as it is; leave --nested out.")
    given = [option for option in _OF_GRID if getattr(options, option[2:]) not in (None, "grid", 1)]
    if given and not options.grid:
        raise UsageError(f"{given[0]} is about a grid: say what varies, --grid lr=1e-3,1e-4.")
    return options


def grid_is_asked(line: str) -> bool:
    """Return whether a line of ``%%track`` has a grid, so that the cell is run several times."""
    try:
        return any(word.partition("=")[0] == "--grid" for word in _words(line))
    except UsageError:
        return False


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line.strip().rstrip(";"), posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.escape = ""
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        raise UsageError(f"A quote is not closed in: %%track {line.strip()}") from None


def _read_option(options: TrackOptions, word: str, words: Iterator[str]) -> None:
    written, equals, attached = word.partition("=")
    option = _LONG.get(written, written)
    if option in _FLAGS and not equals:
        setattr(options, option[2:], True)
        return
    if option not in _WITH_VALUE:
        raise UsageError(unknown_option(word))
    value = attached if equals else next(words, None)
    if value is None or (not equals and value in KNOWN):
        raise UsageError(f"{written} needs a value. Usage: {USAGE}")
    if option == "--without":
        options.without += [name for name in value.split(",") if name]
    elif option == "--grid":
        _read_grid(options, value)
    elif option in ("--trials", "--seed", "--jobs"):
        if not value.isdecimal() or (option != "--seed" and int(value) == 0):
            raise UsageError(f"{option} takes a number, such as {option} 4; got {value!r}.")
        setattr(options, option[2:], int(value))
    elif option in ("--param", "--tag"):
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise UsageError(f"{written} takes key=value, such as {written} lr=0.1; got {value!r}.")
        (options.params if option == "--param" else options.tags)[key] = text
    else:
        setattr(options, option[2:], value)


def _read_grid(options: TrackOptions, value: str) -> None:
    try:
        name, values = parse_values(value)
    except NbtrackError as error:
        raise UsageError(f"--grid: {error}") from None
    if name in options.grid:
        raise UsageError(f"--grid {name} is given twice; put all of its values into one.")
    options.grid[name] = values


def unknown_option(word: str) -> str:
    """Return what to say about an option that does not exist, with the nearest one."""
    hint = did_you_mean(word.partition("=")[0], KNOWN, f"Usage: {USAGE}", str)
    return f"%%track has no option {word}. {hint}"


@context_matcher()  # type: ignore[untyped-decorator]
def track_matcher(asked: CompletionContext) -> SimpleMatcherResult:
    """Complete what stands before the cursor on the first line of a tracked cell."""
    line = asked.line_with_cursor[: asked.cursor_position]
    match = _LINE.match(line) if asked.cursor_line == 0 else None
    if match is None:
        return SimpleMatcherResult(completions=[])
    before = match["before"].split()
    cell = asked.full_text.partition("\n")[2]
    kind, names = _names_after(before[-1] if before else "", match["word"], cell)
    fitting = [name for name in names if name.startswith(match["word"])]
    # the completer replaces the token only, which is a part of names such as a-b
    kept = len(match["word"]) - len(asked.token)
    texts = [name[kept:] if 0 <= kept <= len(name) else name for name in map(_quoted, fitting)]
    return SimpleMatcherResult(
        completions=[SimpleCompletion(text, type=kind) for text in texts],
        suppress=True,
    )


def _names_after(option: str, word: str, cell: str) -> tuple[str, Sequence[str]]:
    if option == "--grid":
        return "param", [f"{name}=" for name in literal_params(cell)]
    if option == "--sampler":
        return "sampler", SAMPLERS
    if option in ("-e", "--experiment"):
        return "experiment", experiment_names()
    if option == "--resume":
        return "run", run_names()
    if word.startswith("-") or not word:
        return "option", KNOWN
    return "run", ()


def experiment_names() -> list[str]:
    """Return the names of the experiments, the newest first; none if the store cannot say."""
    from nbtrack.tracking.search import search_experiments

    try:
        found = search_experiments(context.store(), 1, MAX_NAMES, None, None)
    except NbtrackError:
        return []
    return [experiment.name for experiment in found]


def run_names() -> list[str]:
    """Return the names of the latest runs, each once."""
    from nbtrack.store import latest_run_names

    try:
        with context.store().read() as reader:
            return latest_run_names(reader, MAX_NAMES)
    except NbtrackError:
        return []


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"\s", name) else name
