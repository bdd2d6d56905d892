"""Files on their way between here and far away: several at a time, and checked when they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from nbtrack.errors import StoreError
from nbtrack.store.artifacts.roots import StoredFile, copy_in_chunks

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")


def each_of(
    items: Iterable[Item], work: Callable[[Item], None], workers: int
) -> Iterator[tuple[Item, Exception | None]]:
    """Do the same with every item, and yield each with the error, if there was one, in order.

    Who stops to take them stops the work: what has not begun never does.

    Parameters
    ----------
    items : iterable
        Taken as they are needed.
    work : callable
        Called in threads if there are several workers.
    workers : int
        How many items are worked on at the same time.
    """
    if workers == 1:
        for item in items:
            yield item, _tried(work, item)
        return
    # a process that ends cannot import it any more, and most need no threads
    from concurrent.futures import ThreadPoolExecutor

    under_way: deque[tuple[Item, Future[Exception | None]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="nbtrack-transfer") as pool:
        try:
            for item in items:
                under_way.append((item, pool.submit(_tried, work, item)))
                if len(under_way) >= 2 * workers:
                    done, future = under_way.popleft()
                    yield done, future.result()
            while under_way:
                done, future = under_way.popleft()
                yield done, future.result()
        finally:
            for _, future in under_way:
                future.cancel()


def _tried(work: Callable[[Item], None], item: Item) -> Exception | None:
    try:
        work(item)
    except Exception as error:  # noqa: BLE001  the caller decides which of them end all of it
        return error
    return None


def copy_to(source: BinaryIO, target: Path) -> StoredFile:
    """Write what ``source`` holds to a local file, and close it."""
    with source, target.open("wb") as file:
        return copy_in_chunks(source, file.write)


def check_digest(where: str, found: StoredFile, wanted: str | None) -> None:
    """Raise where a file that has come is not the one that was stored.

    Parameters
    ----------
    where : str
        Where it has come from.
    found : StoredFile
    wanted : str or None
        The SHA-256 that was recorded; None where nobody has.

    Raises
    ------
    StoreError
    """
    if wanted is not None and found.sha256 != wanted:
        raise StoreError(
            f"What came from {where} is not what was stored there: its SHA-256 is {found.sha256}, "
            f"recorded is {wanted}. It was removed here. Try again; if that does not help, the "
            "file was damaged or replaced there: log it again.",
            "DATA_LOSS",
        )
