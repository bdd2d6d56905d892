"""Watches what a cell changes of the process: its folder, environment, settings of libraries."""

from __future__ import annotations

import builtins
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

from nbtrack.notebook.observed.code_names import CodeNames
from nbtrack.notebook.observed.kinds import address, is_own, module_items
from nbtrack.notebook.observed.library_rules import hooks_of_all_modules
from nbtrack.notebook.observed.marks import SIMPLE

_ENVIRONMENT = frozenset({"environ", "putenv", "unsetenv", "load_dotenv", "setenv"})
# what libraries keep by themselves: accessors of pandas, codecs, functions by type, dialects
_REGISTERS = re.compile(
    r"register(_\w*(accessor|namespace|dtype|codec|dialect|adapter|converters?|formatter|cmap"
    r"|env|function|op|type|format))?$"
)
_FILTERS = frozenset({"filterwarnings", "simplefilter", "resetwarnings"})
# what tells that a cell that imports a library changes its settings, too
_SETTING = re.compile(
    r"(set|use|enable|disable|rc)(_|$)|rcParams$|rcdefaults|style$|options$|seterr|getcontext"
    r"|setcontext|setlocale|tzset|templates$|renderers$|deterministic$|benchmark$|allow_"
)
_FIRM = frozenset({
    "working directory", "sys.path", "builtins", "recursion limit", "options of pandas",
    "settings of scikit-learn", "settings of NumPy", "settings of torch", "decimal context",
    "locale", "time zone",
})  # fmt: skip
_SETTERS = frozenset({"setattr", "delattr", "patch"})


class World:
    """The state of the process at one moment.

    Parameters
    ----------
    shell : InteractiveShell or None
        Its magics and extensions belong to it.
    """

    def __init__(self, shell: Any = None) -> None:
        self._state: dict[str, Any] = {}
        for name, read in _PARTS.items():
            with suppress(Exception):  # another version of a library may have it elsewhere
                self._state[name] = read()
        with suppress(Exception):
            self._state["figures below cells"] = _figures(shell)
        self._environment = _environment()
        self._modules: dict[str, tuple[int, dict[str, int]]] = {}
        self._shell = _of_shell(shell)

    def keep_modules(self, namespace: Mapping[str, Any], code: CodeNames) -> None:
        """Keep those attributes of the modules that a cell names that it may set."""
        wanted = None if _SETTERS & code.words else code.stored
        if wanted is not None and not wanted:
            return
        for name in code.names & namespace.keys():
            module = namespace[name]
            if issubclass(type(module), ModuleType):
                self._modules[name] = (address(module), _attributes(module, wanted))

    def differs(self, now: World) -> set[str]:
        """Return what differs from a later state of that which no library changes by itself."""
        both = _FIRM & self._state.keys() & now._state.keys()
        return {name for name in both if not _same(self._state[name], now._state[name])}

    def changes(self, now: World, code: CodeNames, namespace: Mapping[str, Any]) -> set[str]:
        """Return what differs from a later state, in short readable names.

        Parameters
        ----------
        now : World
        code : CodeNames
            What the cell names, and functions in its reach: libraries set environment variables
            and warning filters too when they are imported, and attributes when they are used.
        namespace : dict
            The variables.
        """
        found = {
            name
            for name, value in self._state.items()
            if name in now._state and not _same(value, now._state[name])
        }
        new = now._state.keys() - self._state.keys()
        if new and any(map(_SETTING.match, code.words)):
            found |= new  # what it is without the cell cannot be known: it has loaded the library
        if "set_start_method" not in code.words:
            found.discard("start method of processes")
        if not _FILTERS & code.words:
            found.discard("warning filters")
        found |= {f"environment: {key}" for key in self._variables(now, code)}
        for sign, names in now._shell.items():
            found |= {f"magics: {sign}{name}" for name in names - self._shell.get(sign, set())}
        if any(map(_REGISTERS.match, code.words)):
            found.add("what libraries have registered")
        found |= self._stored(code, namespace)
        return found

    def _variables(self, now: World, code: CodeNames) -> set[str]:
        keys = self._environment.keys() | now._environment.keys()
        changed = {k for k in keys if self._environment.get(k) != now._environment.get(k)}
        named = {key for key in changed if any(key in text for text in code.texts)}
        return named or (changed if _ENVIRONMENT & code.words else set())

    def _stored(self, code: CodeNames, namespace: Mapping[str, Any]) -> set[str]:
        wanted = None if _SETTERS & code.words else code.stored
        found = set()
        for name, (here, old) in self._modules.items():
            module = namespace.get(name)
            if address(module) != here:
                continue
            new = _attributes(module, wanted)
            found |= {f"{name}.{k}" for k in new.keys() | old.keys() if old.get(k) != new.get(k)}
        return found


def _attributes(module: Any, wanted: frozenset[str] | None) -> dict[str, int]:
    items = module_items(module)
    if is_own(str(items.get("__name__", ""))):
        return {}  # those are variables of the user: the walk sees them
    return {
        key: address(items[key])
        for key in (items if wanted is None else wanted & items.keys())
        if not issubclass(type(items[key]), ModuleType)
    }


def _environment() -> dict[Any, int]:
    """Return digests, so that no value is kept."""
    variables = getattr(os.environ, "_data", os.environ)  # as bytes: many times faster
    return {
        os.fsdecode(key) if type(key) is bytes else key: hash(value)
        for key, value in dict(variables).items()
    }


def _of_shell(shell: Any) -> dict[str, set[str]]:
    if shell is None:
        return {}
    magics = shell.magics_manager.magics
    return {
        "%": set(magics["line"]),
        "%%": set(magics["cell"]),
        "": set(shell.extension_manager.loaded),
    }


def _figures(shell: Any) -> Any:
    """Return how figures are shown: as what, with what; what is usual where nothing says so yet."""
    usual = {"image/png": ["print_figure", {"fmt": "png", "base64": True, "bbox_inches": "tight"}]}
    matplotlib: Any = sys.modules.get("matplotlib.figure")
    config: Any = sys.modules.get("matplotlib_inline.config")
    found = {}
    for kind, formatter in shell.display_formatter.formatters.items() if matplotlib else ():
        printer = formatter.type_printers.get(matplotlib.Figure)
        if printer is not None:
            found[kind] = [printer.func.__name__, _flat(printer.keywords)]
    closes = config.InlineBackend.instance().close_figures if config else True
    return [found or usual, closes]


def _flat(settings: Any) -> Any:
    """Return settings as plain values, objects as their addresses."""
    if isinstance(settings, dict):
        return {
            key: value if address(type(value)) in SIMPLE else _flat(value)
            for key, value in dict.items(settings)
        }
    if type(settings) in (list, tuple):
        return [_flat(value) for value in settings]
    return settings if address(type(settings)) in SIMPLE else address(settings)


def _loaded(name: str) -> Any:
    module = sys.modules.get(name)
    if module is None or getattr(module.__spec__, "_initializing", False):
        raise LookupError(name)
    return module


def _rc_params() -> Any:
    found = dict(dict.items(_loaded("matplotlib").rcParams))
    for key in ("backend", "backend_fallback", "interactive"):
        found.pop(key, None)  # the first plot chooses them
    return _flat(found)


def _builtins() -> Any:
    # a kernel makes ``input`` anew for each request
    found = {
        key: value for key, value in vars(builtins).items() if key != "input" and key[:1] != "_"
    }
    return dict(zip(found, map(address, found.values()), strict=True))


def _numpy() -> Any:
    np = _loaded("numpy")
    return _flat([np.get_printoptions(), np.geterr()])


def _decimal() -> Any:
    context = _loaded("decimal").getcontext()
    return [context.prec, context.rounding, context.Emin, context.Emax, context.capitals]


def _torch() -> Any:
    torch = _loaded("torch")
    cudnn = torch.backends.cudnn
    return [
        str(torch.get_default_dtype()),
        str(torch.get_default_device()),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        torch.is_grad_enabled(),
        torch.is_anomaly_enabled(),
        cudnn.enabled,
        cudnn.benchmark,
        cudnn.deterministic,
        vars(torch._tensor_str.PRINT_OPTS).copy(),
        [list(hooks) for hooks in hooks_of_all_modules()],
    ]


def _keras() -> Any:
    config = _loaded("keras").config
    return [config.floatx(), config.epsilon(), config.image_data_format()]


def _plotly() -> Any:
    pio = _loaded("plotly.io")
    return [pio.templates.default, pio.renderers.default]


_PARTS: dict[str, Callable[[], Any]] = {
    "working directory": os.getcwd,
    "sys.path": lambda: [path for path in sys.path if type(path) is str],
    "builtins": _builtins,
    "recursion limit": sys.getrecursionlimit,
    "standard output": lambda: address(sys.stdout),
    "settings of matplotlib": _rc_params,
    "options of pandas": lambda: _flat(_loaded("pandas._config.config")._global_config),
    "settings of scikit-learn": lambda: _flat(_loaded("sklearn").get_config()),
    "settings of NumPy": _numpy,
    "decimal context": _decimal,
    "warning filters": lambda: [address(each) for each in _loaded("warnings").filters],
    "settings of torch": _torch,
    "settings of Keras": _keras,
    "settings of Plotly": _plotly,
    "locale": lambda: _loaded("locale").setlocale(_loaded("locale").LC_ALL),
    "time zone": lambda: list(_loaded("time").tzname),
    "start method of processes": lambda: _loaded("multiprocessing").get_start_method(True),
}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other)
