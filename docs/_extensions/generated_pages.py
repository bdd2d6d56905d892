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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbtrack
from nbtrack import variables
from nbtrack.environment import Variable
from nbtrack.server.reference import EndpointField, describe_endpoints, describe_scoring

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
COPIED = re.compile(r"\]\((?:\.\./)+(?=(?:benchmarks|notebooks)/|CHANGELOG)")
NOT_ON_BINDER = ("07_team.ipynb",)  # there is no PostgreSQL
MIN_WORDS = 3  # shorter texts are names of fields, and say nothing to a user
SERVED = (
    "Of `nbtrack models serve`, `nbtrack.models.serve` and `python -m nbtrack.models.serve`: "
    "MLflow's scoring protocol. [Content types, status codes and limits](/serving.md#requests); an "
    "error has a `stack_trace`, too. `HEAD` is answered where `GET` is."
)
MAGICS = ("track", "runs", "compare")


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
            yield f".. autoclass:: {module}.{name}\n   :members:\n"
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
    """Write the tables of the endpoints that the server has."""
    about = (
        "Of `nbtrack server` and `nbtrack ui`, and of a served model. What a request takes is its "
        "JSON body, or its query if it has no body; fields with a star must be given. Errors are "
        "JSON, too: `error_code` and `message`."
    )
    parts = ["# Endpoints", "", about]
    described = [*describe_endpoints(), *describe_scoring()]
    for title, scopes, about in (
        ("MLflow's protocol", ("tracking",), "Fields have MLflow's meanings."),
        ("The pages of nbtrack", ("store", "context"), "They may change with every version."),
        ("A served model", ("scoring",), SERVED),
    ):
        parts += ["", f"## {title}", "", about, ""]
        parts += ["| | | takes | answers |", "|---|---|---|---|"]
        parts += [
            f"| {', '.join(each.methods)}<br>{'<br>'.join(f'`{path}`' for path in each.paths)} | "
            f"{escaped(each.summary)} | "
            f"{'<br>'.join(field_text(field) for field in each.fields)} | "
            f"{', '.join(each.answer)} |"
            for each in described
            if each.scope in scopes
        ]
    write(OUT / "endpoints.md", "\n".join(parts) + "\n")


def field_text(field: EndpointField) -> str:
    """Return a field of a request with its kind; a star where it must be given."""
    return f"`{field.name}`{'*' * field.required}: {escaped(field.kind)}"


def variables_page() -> None:
    """Write the tables of environment variables that users set."""
    parts = ["# Environment variables", "", "An empty variable is not set."]
    for topic in dict.fromkeys(each.topic for each in variables.ALL if not each.topic.internal):
        parts += ["", f"## {topic.title}", "", "| variable | | default |", "|---|---|---|"]
        parts += [
            f"| {'<br>'.join(f'`{name}`' for name in each.names)} | {escaped(each.says)} | "
            f"{escaped(each.otherwise or default_of(each))} |"
            for each in variables.ALL
            if each.topic == topic
        ]
    write(OUT / "variables.md", "\n".join(parts) + "\n")


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


def messages_of(path: Path) -> Iterator[tuple[str, str]]:
    """Give the errors and warnings of a module: what kind each is, and its text."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=kind), args=[first, *_])):
                yield kind, text_of(first)
            case ast.Call(func=ast.Name(id="warn"), args=[first, *_]):
                yield "warning", text_of(first)


def messages_page() -> None:
    """Write the messages that tell users something, by the package that they come from."""
    package = Path(nbtrack.__file__).parent
    by_part: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(package.rglob("*.py")):
        part = path.relative_to(package).parts[0].removesuffix(".py")
        for kind, text in messages_of(path):
            told = " ".join(text.split())
            if len(told.replace("...", "").split()) > MIN_WORDS:
                by_part.setdefault(part, set()).add((told, kind))
    lines = [
        "# Messages",
        "",
        "Errors and warnings of nbtrack; `...` stands for what is filled in.",
    ]
    for part, found in sorted(by_part.items()):
        lines += ["", f"## {part}", "", "| | message |", "|---|---|"]
        lines += [
            f"| {kind} | {escaped(told)} |"
            for told, kind in sorted(found, key=lambda each: (each[1], each[0]))
        ]
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
    messages_page()
    copies()


def setup(app: Any) -> dict[str, Any]:
    """Let Sphinx call this before it looks for its sources."""
    app.connect("builder-inited", generate)
    app.connect("source-read", link_inside)
    return {"parallel_read_safe": True}
