"""Types of TypeScript for what widgets hold and say, and for what finished outputs keep.

They are made from the annotations of the traits, and from the types of what is in them::

    python tests/test_rpc.py

writes ``js/shared/src/view_data.ts``. A test fails while that file is old.
"""

from __future__ import annotations

import inspect
from typing import Any, get_args

import traitlets as t

from nbtrack.rpc.typescript import ALIASES, Writer, written
from nbtrack.views.chart.curves import AppendMessage
from nbtrack.views.chart.output import ChartView
from nbtrack.views.comparison.data import Brush
from nbtrack.views.comparison.saved import SavedComparison
from nbtrack.views.models.card import ModelView
from nbtrack.views.models.form import ModelForm
from nbtrack.views.table.page import TableView
from nbtrack.views.widgets.comparison import Comparison
from nbtrack.views.widgets.metric_chart import MetricChart
from nbtrack.views.widgets.model_card import ModelCard
from nbtrack.views.widgets.run_card import FinishedMessage, RunCard
from nbtrack.views.widgets.run_table import RunTable
from nbtrack.views.widgets.view import AnswerMessage, NoAnswerMessage, View

HEAD = """\
/**
 * What widgets hold and say, and what finished outputs keep.
 *
 * Made by `python tests/test_rpc.py` from the types of Python; change those and make it again.
 */
"""
WIDGETS: tuple[type[View], ...] = (View, MetricChart, RunCard, RunTable, Comparison, ModelCard)
#: What is sent, and what stays in notebooks.
MESSAGES = (AnswerMessage, NoAnswerMessage, AppendMessage, FinishedMessage)
FINISHED = ChartView | TableView | SavedComparison | ModelView
#: Types that have no name of their own in Python.
NAMES = {**ALIASES, "Brush": Brush, "ModelForm": ModelForm, "FinishedView": FINISHED}


def source() -> str:
    """Return a module of TypeScript with the types of traits, messages and finished outputs."""
    requests, _ = written()
    writer = Writer(names=NAMES, others=requests)
    for kind in (*MESSAGES, FINISHED, ModelForm):
        writer.type_of(kind)
    traits = [text for widget in WIDGETS for text in _traits(writer, widget)]
    names = ", ".join(sorted(writer.imports))
    return "\n".join(
        [HEAD, f"import type {{ {names} }} from './requests';\n", *writer.declarations(), *traits]
    )


def _traits(writer: Writer, widget: type[View]) -> list[str]:
    """Return the interface of the traits that the page has of a widget."""
    base = next((each for each in WIDGETS if each in widget.__bases__), None)
    ends = "" if base in (None, View) else f" extends {base.__name__}Traits"
    hints = inspect.get_annotations(widget, eval_str=True)
    lines = [
        f"  {name}: {_type_of(writer, trait, hints.get(name))};"
        for name, trait in own_traits(widget).items()
    ]
    head = f"export interface {widget.__name__}Traits{ends} {{"
    return [f"/** The traits of `{widget.__name__}`. */", head, *lines, "}", ""]


def own_traits(widget: type[View]) -> dict[str, t.TraitType[Any, Any]]:
    """Return the traits that a widget adds to those of its base, and that the page has too."""
    found = vars(widget).items()
    return {n: v for n, v in found if isinstance(v, t.TraitType) and v.metadata.get("sync")}


def _type_of(writer: Writer, trait: t.TraitType[Any, Any], hint: Any) -> str:
    if hint is not None:
        return writer.type_of(get_args(hint)[0])
    found = _plain(trait)
    return f"{found} | null" if trait.allow_none else found


def _plain(trait: t.TraitType[Any, Any]) -> str:
    """Return the type of a trait that says itself what is in it."""
    match trait:
        case t.Unicode():
            return "string"
        case t.Bool():
            return "boolean"
        case t.Int() | t.Float():
            return "number"
        case t.List(_trait=t.TraitType() as item):
            return f"{_plain(item)}[]"
    raise TypeError(f"the annotation of {trait.name} does not say what is in it")
