"""What widgets share: their bundle, when they are a picture instead, traits that people write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, Literal, TypedDict, TypeVar

import anywidget
import traitlets as t

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.rpc import Fields, Response, respond
from nbtrack.store import Store
from nbtrack.suggestions import did_you_mean
from nbtrack.views.bundle import LOADER, NOT_BUILT, bundle_code, bundle_hash, shared_bundle
from nbtrack.views.display import VIEW_MIME, Bundle, display_mode

T = TypeVar("T")


class Synced(Generic[T]):
    """A trait that the page has too, as an annotation says it: with what is in it.

    The type that the page knows is made from the annotation; see ``js/shared/src/view_data.ts``.
    """

    def __get__(self, owner: object, kind: type | None = None) -> T:
        """Return the value, as any trait does."""
        raise NotImplementedError

    def __set__(self, owner: object, value: T) -> None:
        """Set the value, as any trait does."""
        raise NotImplementedError


def synced(trait: t.TraitType[Any, Any]) -> Any:
    """Return a trait that the page has too; the annotation beside it says what is in it."""
    return trait.tag(sync=True)


class AnswerMessage(TypedDict):
    """The response to a request of the page."""

    type: Literal["answer"]
    id: str
    body: object


class NoAnswerMessage(TypedDict):
    """A request that could not be answered, and why."""

    type: Literal["failed"]
    id: str
    message: str


class View(anywidget.AnyWidget):
    """A widget that leaves a finished output behind.

    Where nobody can see a widget (see `nbtrack.views.display.display_mode`) it opens no
    connection, and shows as its finished output. Of a store it is given, it answers the
    requests of its browser side; see `nbtrack.rpc`.

    A thread, such as one that follows a store, may set traits too: while the page's own changes
    are taken in, ipywidgets holds notifications back for the whole object, and what another
    thread sets then would never be sent; with ``_lock`` it waits. Who needs the store as well
    takes ``_lock`` first: a change of the page has it when its observers ask the store.

    Attributes
    ----------
    store_id : str
        Which store it shows: a Jupyter server that knows it answers in the kernel's place.
    entry, bundle, bundle_hash : str
        Which view it is, and where the browser finds its code; see
        `nbtrack.views.bundle`.
    """

    #: Which view of the bundle shows it.
    _entry = ""
    _esm = LOADER if LOADER.is_file() else NOT_BUILT

    store_id = t.Unicode("").tag(sync=True)
    entry = t.Unicode("").tag(sync=True)
    bundle = t.Unicode("").tag(sync=True)
    bundle_hash = t.Unicode("").tag(sync=True)

    def __init__(self, *, store: Store | None = None, **state: Any) -> None:
        self._request_store = store
        super().__init__(store_id="" if store is None else store.id, entry=self._entry, **state)
        self.on_msg(self._on_question)
        self.on_msg(self._on_lost_bundle)

    def setup_instance(self, *args: Any, **kwargs: Any) -> None:
        """Prepare the object, before any constructor: a way in that traitlets offers."""
        self._lock = threading.RLock()
        super().setup_instance(*args, **kwargs)

    def respond(self, request: Fields) -> Response[Any]:
        """Answer a request of the browser.

        Raises
        ------
        NbtrackError
            If it cannot be answered.
        """
        if self._request_store is None:
            raise InvalidParameterError("This view shows no store, so there is nobody to ask.")
        return respond(self._request_store, request)

    def finished_bundle(self) -> Bundle:
        """Return the output that stays in the notebook, and its metadata."""
        raise NotImplementedError

    def set_state(self, sync_data: Fields) -> None:
        """Take in what the page has changed; no other thread changes anything meanwhile."""
        with self._lock:
            super().set_state(sync_data)

    def _notify_trait(self, name: str, old_value: Any, new_value: Any) -> None:
        with self._lock:
            super()._notify_trait(name, old_value, new_value)

    @contextmanager
    def hold_sync(self) -> Iterator[None]:
        """Tell the page of several changes in one message."""
        with self._lock, super().hold_sync():
            yield

    def open(self) -> None:
        """Connect to the front end, if there is one."""
        if display_mode() == "live":
            self.bundle = f"IPY_MODEL_{shared_bundle().model_id}"
            self.bundle_hash = bundle_hash()
            super().open()

    def _on_question(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, dict) or message.get("type") != "ask":
            return
        try:
            found = self.respond(message["question"])
        except NbtrackError as error:
            self._fail(message, str(error))
        except Exception as error:  # noqa: BLE001  shown where the question was asked
            self._fail(message, f"The kernel could not answer: {error!r}")
        else:
            said: AnswerMessage = {
                "type": "answer",
                "id": message.get("id", ""),
                "body": found.body,
            }
            self.send(said, list(found.buffers))

    def _fail(self, message: Fields, text: str) -> None:
        said: NoAnswerMessage = {"type": "failed", "id": message.get("id", ""), "message": text}
        self.send(said)

    def _on_lost_bundle(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if isinstance(message, dict) and message.get("type") == "bundle":
            self.send({"type": "bundle"}, [bundle_code().encode()])

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle:
        finished, metadata = self.finished_bundle()
        mode = display_mode()
        if mode == "off":
            return {"text/plain": finished["text/plain"]}, {}
        if mode == "static" or self.comm is None:
            return finished, metadata
        shown = super()._repr_mimebundle_(**kwargs)
        live = shown[0] if isinstance(shown, tuple) else shown
        return {**finished, **(live or {}), "text/plain": finished["text/plain"]}, metadata


def refuse_unknown(owner: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    """Refuse keywords that do not exist, with the nearest one that does.

    Raises
    ------
    InvalidParameterError
        If there is one.
    """
    for name in given:
        hint = did_you_mean(name, known, f"It takes {', '.join(known)}.")
        raise InvalidParameterError(f"{owner} does not know {name!r}. {hint}")


class Names(t.List[str]):
    """A list of names; one name stands for itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(t.Unicode(), **options)

    def validate(self, obj: Any, value: Any) -> Any:
        """Return a list of texts, or say what is wrong."""
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
            raise InvalidParameterError(
                f"{self.name} is {value!r}; give names of columns, such as ['params.lr']."
            )
        return super().validate(obj, list(names))


class SortKeys(t.List[Any]):
    """An order: ``"metrics.loss"``, ``"metrics.loss DESC"``, or ``[name, ascending]`` in a list."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return a list of ``[name, ascending]``, or say what is wrong."""
        keys = [value] if isinstance(value, str) or _is_key(value) else value
        if not isinstance(keys, (list, tuple)):
            raise self._wrong(value)
        return super().validate(obj, [self._key(key) for key in keys])

    def _key(self, key: Any) -> list[Any]:
        if isinstance(key, str):
            name, _, way = key.strip().rpartition(" ")
            if name and way.upper() in ("ASC", "DESC"):
                return [name, way.upper() == "ASC"]
            return [key.strip(), True]
        if _is_key(key):
            return [key[0], key[1]]
        raise self._wrong(key)

    def _wrong(self, value: Any) -> InvalidParameterError:
        return InvalidParameterError(
            f"{self.name} is {value!r}; give columns such as 'metrics.loss DESC', "
            "or ['metrics.loss', False] for a falling order."
        )


def _is_key(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], bool)
    )


__all__ = ["VIEW_MIME", "Names", "SortKeys", "View", "refuse_unknown"]
