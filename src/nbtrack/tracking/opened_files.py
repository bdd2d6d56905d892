"""The files that a script reads and writes, where it asks for that.

Python reports each file that it opens to an audit hook. Such a hook cannot be removed, and makes
some functions slower as long as the process lives: it is there only once it is asked for.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from os.path import abspath  # by name: a cell may put something else into its module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrack.errors import warn
from nbtrack.recorded_paths import name_below
from nbtrack.tracking.kernel import in_notebook

if TYPE_CHECKING:
    from nbtrack.tracking.files_read import CellFiles
    from nbtrack.tracking.run import ActiveRun

MAX_OPENED = 20_000


def record_files(enable: bool = True) -> None:
    """Record which files this script reads and writes, with each of its runs.

    Call it before data is read. Each run that is started after it keeps the files below the
    working directory that were read until its end, and those that were written during it: path,
    size and SHA-256, as runs of watched notebook cells do without being asked. Files that
    compiled code opens (Parquet, HDF5, databases) and those that other processes open, such as
    the workers of a ``DataLoader``, are not seen.

    As long as the process lives ``id()`` takes some 0.3 microseconds longer and ``copy.deepcopy``
    about twice as long. In a notebook it does nothing: ``%load_ext nbtrack`` watches its cells.

    Parameters
    ----------
    enable : bool, optional
        False ends it.

    Examples
    --------
    In a script, before it reads its data:

    >>> nbtrack.record_files()  # doctest: +SKIP
    >>> with nbtrack.start_run():  # doctest: +SKIP
    ...     rows = open("train.csv").readlines()
    ...     nbtrack.log_metric("rows", len(rows))
    """
    global _opened, _is_installed
    if enable and in_notebook():
        warn("record_files is for scripts. In a notebook, %load_ext nbtrack watches the cells.")
        return
    _opened = (_opened or {}) if enable else None
    if enable and not _is_installed:
        _is_installed = True
        sys.addaudithook(_hook)


def follow(run: ActiveRun) -> None:
    """Let a run that has just started keep the files, if they are recorded."""
    if _opened is None:
        return
    from nbtrack.tracking.files_read import FilesRecord

    record, folder, begin = FilesRecord(run), str(Path.cwd()), _count

    def keep() -> None:
        _own.add(threading.get_ident())  # what is read for the digests is not the script's
        try:
            record.keep(_uses(folder, begin))
        except Exception as error:  # noqa: BLE001  the run ends in any case, and it is said
            run.store.warn_once(f"The files of run {run.info.run_name} were not kept: {error}")
        finally:
            _own.discard(threading.get_ident())

    run.jobs.append(keep)


def opened_as(path: Any, mode: Any, flags: Any) -> Iterator[tuple[str, bool]]:
    """Yield what an ``open`` event says: the absolute path, and whether it is written.

    Parameters
    ----------
    path, mode, flags : object
        As the event has them; a file that is given by its number is known already.
    """
    if isinstance(path, int):
        return
    name = os.fsdecode(path)
    writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
    reads = not isinstance(mode, str) or "r" in mode or mode.startswith("a+")
    if mode is None and isinstance(flags, int):
        writes = flags & (os.O_WRONLY | os.O_RDWR) != 0
        reads = flags & os.O_WRONLY == 0
    if not name.startswith("/"):
        name = abspath(name)
    if reads:
        yield name, False
    if writes:
        yield name, True


#: When each file was opened first and last, as the how manieth; None while nothing is recorded.
_opened: dict[tuple[str, bool], tuple[int, int]] | None = None
_count = 0
_own: set[int] = set()  # threads in which nbtrack itself reads
_is_installed = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    global _count
    if event != "open" or _opened is None or threading.get_ident() in _own:
        return
    try:
        for each in opened_as(*args):
            if each in _opened or len(_opened) < MAX_OPENED:
                _opened[each] = (_opened.get(each, (_count, 0))[0], _count)
                _count += 1
    except Exception:  # noqa: BLE001  it is the user's call that would fail
        return


def _uses(folder: str, begin: int) -> list[CellFiles]:
    """Return what was read, and what was written since a run began, in the order of first use."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    script = name_below(str(Path(main).absolute()), folder) if main else None
    uses: list[CellFiles] = []
    for (path, writes), (_, last) in sorted((_opened or {}).items(), key=lambda item: item[1]):
        name = name_below(path, folder)
        if name is None or name == script or (writes and last < begin):
            continue
        uses.append((None, (), {name}) if writes else (None, {name}, ()))
    return uses
