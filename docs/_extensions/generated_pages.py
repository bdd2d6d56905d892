"""Pages that are made from the code: functions, magics, variables, endpoints; and the tutorials.

They are written to ``docs/_generated`` before Sphinx reads its sources, and only when they changed,
so that a second build reads nothing again.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbtrack
from nbtrack import variables
from nbtrack.environment import Variable
from nbtrack.server.reference import (
    DescribedEndpoint,
    EndpointField,
    describe_endpoints,
    describe_scoring,
)

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
OUT = DOCS / "_generated"
STUB = Path(nbtrack.__file__).with_suffix(".pyi")

# What `nbtrack` has, by the modules that its stub takes it from; what is left has a page, too.
GROUPS = {
    "runs": ("Runs", ["nbtrack.api.runs", "nbtrack.tracking.run", "nbtrack.tracking.background"]),
    "logging": ("Params, metrics, tags and data", ["nbtrack.api.logs"]),
    "artifacts": ("Artifacts", ["nbtrack.api.files", "nbtrack.tracking.images"]),
    "views": ("Charts, tables, comparisons", ["nbtrack.api.views"]),
    "autologging": (
        "Autologging and sweeps",
        ["nbtrack.autologging.switches", "nbtrack.api.grid", "nbtrack.system_metrics"],
    ),
    "reproducing": ("Running again", ["nbtrack.api.reruns", "nbtrack.api.capsules"]),
    "models": (
        "Models and evaluation",
        [
            "nbtrack.api.models",
            "nbtrack.tracking.active_model",
            "nbtrack.models.evaluation.base",
            "nbtrack.models.evaluation.validation",
        ],
    ),
    "registry": ("Model registry and lineage", ["nbtrack.api.registry"]),
    "stores": ("Stores and experiments", ["nbtrack.api.stores", "nbtrack.health.examination"]),
}
# What other layers of nbtrack call, and users do not.
INNER_METHODS = {"ActiveRun": "end_with, keep_error, leave_out, in_background, sample_system"}
COPIED = re.compile(r"\]\((?:\.\./)+(?=(?:benchmarks|notebooks)/|CHANGELOG)")
NOT_ON_BINDER = ("07_team.ipynb",)  # there is no PostgreSQL
WARN = ("warn", "_warn", "warn_once", "say")
FINDINGS = ("note", "warning", "problem")  # of nbtrack.health
INNER = ("AssertionError", "RuntimeError")  # mistakes in nbtrack
OTHER = "Runs, params, metrics, artifacts"
# What messages are about, by the packages that they come from; those that are not named: OTHER.
TOPICS: dict[str, tuple[str, ...]] = {
    OTHER: (),
    "The store": ("store", "config", "postgres_address", "recorded_paths", "untrusted_files"),
    "In notebooks": ("notebook", "views", "rpc"),
    "Autologging": ("autologging", "optuna", "as_mlflow"),
    "Models": ("models", "compat"),
    "Commands": ("cli",),
    "Projects": ("projects",),
    "Running again, and capsules": ("reruns", "capsules"),
    "Import and export": ("interop",),
    "Servers": ("server", "protocol"),
    "What nbtrack doctor finds": ("health",),
}
MIN_WORDS = 3  # shorter texts are names of fields, and say nothing to a user
SERVED = (
    "Of `nbtrack models serve`, `nbtrack.models.serve` and `python -m nbtrack.models.serve`: "
    "MLflow's scoring protocol. [Content types, status codes and limits](/serving.md#requests); an "
    "error has a `stack_trace`, too. `HEAD` is answered where `GET` is."
)
MAGICS = ("track", "runs", "compare")
# What the shortcuts of JupyterLab's extension do, by its commands.
COMMANDS = {
    "show": "show the sidebar and go into it",
    "search": "go to its search",
    "rename": "rename the run or experiment",
    "delete": "delete what is selected",
    "compare": "compare the selected runs",
    "insert-source": "insert the cells of the run into the notebook",
    "copy-loading": "copy the code that loads the run",
    "rename-model": "rename the registered model",
    "delete-model-row": "delete the version or the registered model",
    "insert-model-loading": "insert the code that loads the model into the notebook",
    "copy-model-loading": "copy the code that loads the model",
}
WHERE = {"body": "anywhere", ".nbt-tree": "in the list of runs", ".nbt-modeltree": "in the models"}


def write(path: Path, text: str) -> None:
    """Write a page, unless it is there with this text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def public_names() -> dict[str, list[str]]:
    """Return the public names of ``nbtrack``, by the module that each is taken from."""
    found: dict[str, list[str]] = {}
    for node in ast.parse(STUB.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module != "typing":
            names = [alias.asname or alias.name for alias in node.names]
            found.setdefault(str(node.module), []).extend(names)
    return found


def as_written(names: list[str]) -> list[str]:
    """Return functions in the order of their module, which goes from what is used most."""

    def line(name: str) -> int:
        return inspect.getsourcelines(inspect.unwrap(getattr(nbtrack, name)))[1]

    return sorted(names, key=line)


def heading(text: str) -> str:
    """Return the title of a page."""
    return f"{text}\n{'=' * len(text)}\n"


def directives(module: str, names: list[str]) -> Iterator[str]:
    """Give what makes Sphinx write the docstrings of these names of a module."""
    for name in names:
        value = getattr(importlib.import_module(module), name)
        if inspect.isclass(value):
            inner = f"   :exclude-members: {INNER_METHODS[name]}\n" if name in INNER_METHODS else ""
            yield f".. autoclass:: {module}.{name}\n   :members:\n{inner}"
        elif callable(value):
            yield f".. autofunction:: {module}.{name}\n"
        else:
            yield f".. py:data:: {module}.{name}\n"


def function_pages() -> None:
    """Write a page for each group of functions of ``nbtrack``, and for each public module."""
    names = public_names()
    modules = names.pop("nbtrack")
    rest = dict(names)
    pages = []
    for page, (title, sources) in GROUPS.items():
        found = [name for source in sources for name in as_written(rest.pop(source))]
        text = "\n".join([heading(title), *directives("nbtrack", found)])
        write(OUT / "api" / f"{page}.rst", text)
        pages.append(page)
    found = [name for each in rest.values() for name in each]
    write(
        OUT / "api" / "other.rst",
        "\n".join([heading("Everything else"), *directives("nbtrack", found)]),
    )
    seen: set[int] = {id(getattr(nbtrack, name)) for each in names.values() for name in each}
    shown = [page for name in modules if (page := module_page(f"nbtrack.{name}", seen))]
    listing = [*pages, "other", *shown]
    tree = "\n   ".join(listing)
    about = (
        "``import nbtrack`` brings what the first pages have; modules with more have pages below."
    )
    tree = f".. toctree::\n   :maxdepth: 1\n\n   {tree}\n"
    write(OUT / "api" / "index.rst", f"{heading('Python')}\n{about}\n\n{tree}")


def module_page(module_name: str, seen: set[int]) -> str | None:
    """Write the page of a module: what no page before it has. Return the page's name."""
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError:  # of a framework that is not installed
        return None
    names = [
        name
        for name in getattr(module, "__all__", [])
        if not inspect.ismodule(value := getattr(module, name)) and id(value) not in seen
    ]
    if not names:
        return None
    seen |= {id(getattr(module, name)) for name in names}
    about = inspect.cleandoc(module.__doc__ or "")
    body = list(directives(module_name, sorted(names)))
    write(OUT / "api" / f"{module_name}.rst", "\n".join([heading(module_name), about, "", *body]))
    return module_name


def magics_page() -> None:
    """Write what ``%%track?`` and its like say."""
    from nbtrack.notebook.magics import TrackMagics

    parts = [
        "# Magics",
        "",
        "`%load_ext nbtrack` brings them. In a notebook, `%%track?` shows this text.",
    ]
    for name in MAGICS:
        text = inspect.cleandoc(getattr(TrackMagics, name).__doc__)
        sign = "%%track" if name == "track" else f"%{name}"
        parts += ["", f"## {sign}", "", "```text", text, "```"]
    write(OUT / "magics.md", "\n".join(parts) + "\n")


def endpoints_page() -> None:
    """Write the lists of the endpoints that the servers have."""
    about = (
        "Of `nbtrack server` and `nbtrack ui`, and of a served model. What a request takes is its "
        "JSON body, or its query if it has no body; fields with a star must be given. Errors are "
        "JSON, too: `error_code` and `message`. What begins with `/api` is also below `/ajax-api`."
    )
    parts = ["# Endpoints", "", about]
    described = [*describe_endpoints(), *describe_scoring()]
    for title, scopes, about in (
        ("MLflow's protocol", ("tracking",), "Fields have MLflow's meanings."),
        ("The pages of nbtrack", ("store", "context"), "They may change with every version."),
        ("A served model", ("scoring",), SERVED),
    ):
        parts += ["", f"## {title}", "", about, ""]
        parts += [
            f"- {', '.join(each.methods)} {', '.join(shown_paths(each.paths))}<br>"
            f"{endpoint_text(each)}"
            for each in described
            if each.scope in scopes
        ]
    write(OUT / "endpoints.md", "\n".join(parts) + "\n")


def shown_paths(paths: Iterable[str]) -> list[str]:
    """Return the paths of an endpoint without those that are the same with another prefix."""
    twins = {path.replace("/api/", "/ajax-api/", 1) for path in paths if path.startswith("/api/")}
    return [f"`{path}`" for path in paths if path not in twins]


def endpoint_text(each: DescribedEndpoint) -> str:
    """Return what an endpoint does, takes and answers."""
    lines = [escaped(each.summary)]
    if each.fields:
        lines.append(f"*Takes* {', '.join(field_text(field) for field in each.fields)}.")
    if each.answer:
        lines.append(f"*Answers* {', '.join(each.answer)}.")
    return "<br>".join(lines)


def field_text(field: EndpointField) -> str:
    """Return a field of a request with its kind; a star where it must be given."""
    return f"`{field.name}`{'*' * field.required}: {escaped(field.kind)}"


def variables_page() -> None:
    """Write the tables of environment variables that users set."""
    about = "Of several names the first that is set counts. An empty variable is not set."
    parts = ["# Environment variables", "", about]
    for topic in dict.fromkeys(each.topic for each in variables.ALL if not each.topic.internal):
        parts += ["", f"## {topic.title}", "", "| variable | | default |", "|---|---|---|"]
        parts += [
            f"| {'<br>'.join(f'`{name}`' for name in each.names)} | {escaped(each.says)} | "
            f"{escaped(each.otherwise or default_of(each))} |"
            for each in variables.ALL
            if each.topic == topic
        ]
    write(OUT / "variables.md", "\n".join(parts) + "\n")


def settings_page() -> None:
    """Write the tables of what can be set in JupyterLab and for the Jupyter server."""
    from nbtrack.server.jupyter import NbtrackApp

    schema = json.loads((ROOT / "js" / "lab" / "schema" / "sidebar.json").read_text("utf-8"))
    about = (
        "**Settings**, **Settings Editor**, **nbtrack**. For all users of an installation, they "
        "stand in `share/jupyter/lab/settings/overrides.json` as `nbtrack:sidebar`."
    )
    parts = ["# Settings of Jupyter", "", "## JupyterLab and Notebook 7", "", about, ""]
    parts += ["| name | title | | default |", "|---|---|---|---|"]
    parts += [
        f"| `{name}` | {each['title']} | {escaped(each['description'])} | "
        f"{escaped(json.dumps(each['default']))} |"
        for name, each in schema["properties"].items()
    ]
    parts += [
        "",
        "## Shortcuts",
        "",
        "On a Mac Cmd stands for Ctrl. They can be changed in the Settings Editor, too.",
        "",
    ]
    parts += ["| keys | where | what they do |", "|---|---|---|"]
    parts += [
        f"| {'+'.join(each['keys'][0].replace('Accel', 'Ctrl').split())} | "
        f"{WHERE[each['selector']]} | {COMMANDS[each['command'].removeprefix('nbtrack:')]} |"
        for each in schema["jupyter.lab.shortcuts"]
    ]
    parts += ["", "## The Jupyter server", ""]
    parts += ["In `jupyter_server_config.py`, such as `c.NbtrackApp.stores = [...]`.", ""]
    parts += ["| name | | default |", "|---|---|---|"]
    parts += [
        f"| `c.NbtrackApp.{name}` | {escaped(trait.help)} | `{trait.default()!r}` |"
        for name, trait in NbtrackApp.class_own_traits(config=True).items()
    ]
    write(OUT / "settings.md", "\n".join(parts) + "\n")


def default_of(variable: Variable[object]) -> str:
    """Return the default of a variable as a reader sees it, with its unit."""
    if variable.default is None:
        return ""
    value = (
        "on"
        if variable.default is True
        else "off"
        if variable.default is False
        else variable.default
    )
    return f"{value} {variable.unit}".strip()


def text_of(node: ast.expr) -> str:
    """Return a message as it stands in the source, with ... for what is filled in."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) for value in values)
        case ast.BinOp(left=left, right=right):
            return text_of(left) + text_of(right)
        case ast.IfExp(body=body):
            return text_of(body)
    return "..."


def named(function: ast.expr) -> str:
    """Return the last name of what is called."""
    return ast.unparse(function).rpartition(".")[2]


def messages_of(path: Path) -> Iterator[tuple[str, str]]:
    """Give the errors, warnings and findings of a module: what kind each is, and its text."""
    tree = ast.parse(path.read_text("utf-8"))
    variables: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
            variables.setdefault(target.id, []).append(node.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name, said = named(node.func), node.args[:1]
        if name in WARN:
            kind = "warning"
        elif name in FINDINGS:
            kind, said = "`nbtrack doctor`", node.args[1:3]
        elif name.endswith(("Error", "Exception")) and name not in INNER:
            kind = name
        else:
            continue
        if len(said) == 1 and isinstance(said[0], ast.Name):
            yield from ((kind, text_of(value)) for value in variables.get(said[0].id, []))
        else:
            yield kind, " ".join(map(text_of, said))


def messages_page() -> None:
    """Write the messages that tell users something, by what they are about."""
    package = Path(nbtrack.__file__).parent
    by_topic: dict[str, set[tuple[str, str]]] = {topic: set() for topic in TOPICS}
    topics = {part: topic for topic, parts in TOPICS.items() for part in parts}
    for path in sorted(package.rglob("*.py")):
        part = path.relative_to(package).parts[0].removesuffix(".py")
        for kind, text in messages_of(path):
            told = " ".join(text.split())
            if len(told.replace("...", "").split()) > MIN_WORDS:
                by_topic[topics.get(part, OTHER)].add((told, kind))
    about = (
        "Errors and warnings of nbtrack, and what `nbtrack doctor` finds; `...` stands for what is "
        "filled in. Most say themselves what helps. "
        "[When something is wrong](/troubleshooting.md) explains those that need more."
    )
    lines = ["# Messages", "", about]
    for topic, found in by_topic.items():
        lines += ["", f"## {topic}", "", "| message | kind |", "|---|---|"]
        lines += [f"| {escaped(told)} | {kind} |" for told, kind in sorted(found)]
    write(OUT / "messages.md", "\n".join(lines) + "\n")


def escaped(text: str) -> str:
    """Return a text as it reads in a cell of a table."""
    return re.sub(r"([\\`*_{}\[\]<>|$#])", r"\\\1", text)


def copies() -> None:
    """Copy notebooks and measurements: Sphinx reads what lies below its own folder only."""
    for page in ROOT.glob("notebooks/*.ipynb"):
        write(OUT / page.relative_to(ROOT), with_binder(page))
    for page in ROOT.glob("benchmarks/*.md"):
        write(OUT / page.relative_to(ROOT), page.read_text("utf-8"))
    write(OUT / "CHANGELOG.md", (ROOT / "CHANGELOG.md").read_text("utf-8"))


def with_binder(page: Path) -> str:
    """Return a tutorial with a link below its title that opens it on Binder."""
    notebook = json.loads(page.read_text("utf-8"))
    if page.name not in NOT_ON_BINDER:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        repository = project["urls"]["Repository"].removeprefix("https://github.com/")
        address = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/notebooks"
        text = f"Try it [on Binder]({address}/{page.name}), without installing anything."
        cell = {"cell_type": "markdown", "id": "binder", "metadata": {}, "source": text}
        notebook["cells"].insert(1, cell)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def link_inside(_app: Any, _page: str, source: list[str]) -> None:
    """Let links to files that were copied lead to the copies, and links from these to pages."""
    source[0] = COPIED.sub("](/_generated/", source[0].replace("](../docs/", "](/"))


def generate(_app: Any = None) -> None:
    """Write all pages."""
    function_pages()
    magics_page()
    endpoints_page()
    variables_page()
    settings_page()
    messages_page()
    copies()


def setup(app: Any) -> dict[str, Any]:
    """Let Sphinx call this before it looks for its sources."""
    app.connect("builder-inited", generate)
    app.connect("source-read", link_inside)
    return {"parallel_read_safe": True}
