"""Models in a real JupyterLab: the sidebar, the details, the card and its form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import lab as jupyter
from lab import Lab, Server, open_lab, serious_faults, write_notebook
from nbtrack.client import Client
from sidebar import open_sidebar

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

server, browser = jupyter.server, jupyter.browser
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TRAIN = """import nbtrack
from nbtrack import pyfunc

def double(model_input):
    return model_input["length"] * 2

import pandas as pd
example = pd.DataFrame({"length": [1.5, 2.0], "kind": ["a", "b"]})
with nbtrack.start_run(run_name="training"):
    nbtrack.log_metric("val_loss", 0.25)
    info = pyfunc.log_model(python_model=double, name="net", input_example=example)
version = nbtrack.register_model(info.model_uri, "digits")
again = nbtrack.register_model(info.model_uri, "digits")"""
CARD = "version"


@pytest.fixture(scope="module")
def window(browser: Browser, server: Server) -> Iterator[Lab]:
    """One page with a notebook that has registered a model, and its card below the last cell."""
    pytest.importorskip("nbtrack.pyfunc")
    with open_lab(browser, server) as page:
        page.page.set_default_timeout(30_000)
        page.open(write_notebook(server.folder / "a.ipynb", TRAIN, CARD))
        page.run_all()
        card(page).wait_for()
        open_sidebar(page)
        yield page


def card(page: Lab) -> Locator:
    return page.cell(1).locator(".nbt-card .nbt-modelcard")


def row(page: Lab, version: int) -> Locator:
    number = page.page.locator(".nbt-version").get_by_text(f"v{version}", exact=True)
    return page.page.locator(".nbt-row-version").filter(has=number)


def home(page: Lab) -> None:
    page.command("nbtrack:show")
    page.page.locator(".nbt-sidebar .nbt-search").fill("")
    row(page, 2).wait_for()


def answer(page: Lab, label: str) -> None:
    page.page.locator(".jp-Dialog").get_by_role("button", name=label, exact=True).click()
    page.page.locator(".jp-Dialog").wait_for(state="detached")


def at_the_bottom(page: Lab) -> bool:
    bottoms = """() => ['.nbt-models', '.nbt-sidebar']
      .map(each => document.querySelector(each).getBoundingClientRect().bottom)"""
    models, sidebar = page.page.evaluate(bottoms)
    return abs(models - sidebar) < 1


def test_a_registered_model_is_in_the_sidebar_and_is_searched(window: Lab) -> None:
    home(window)
    window.page.locator(".nbt-row-model", has_text="digits").wait_for()
    assert window.page.locator(".nbt-row-version").count() == 2
    window.page.locator(".nbt-sidebar .nbt-search").fill("metrics.val_loss > 1")
    window.page.get_by_text("No model matches.").wait_for()
    assert at_the_bottom(window)
    window.page.locator(".nbt-sidebar .nbt-search").fill("digi")
    row(window, 2).wait_for()
    # no run fits: where the models stand a click would miss them when runs come back
    window.page.get_by_text("No run matches").first.wait_for()
    assert at_the_bottom(window)


def test_an_alias_and_a_stage_are_given_in_the_sidebar(window: Lab, server: Server) -> None:
    home(window)
    row(window, 2).click(button="right")
    window.page.locator(".lm-Menu-itemLabel").get_by_text("Add Alias …").click()
    window.page.get_by_label("Alias", exact=True).fill("champion")
    answer(window, "Save")
    row(window, 2).locator(".nbt-modelchip", has_text="@champion").wait_for()
    row(window, 2).click(button="right")
    window.page.locator(".lm-Menu-itemLabel").get_by_text("Move to Stage …").click()
    window.page.locator(".jp-Dialog select").select_option("Production")
    answer(window, "Move")
    row(window, 2).locator(".nbt-modelchip", has_text="Production").wait_for()
    found = Client(server.folder / "nbtrack.duckdb").get_model_version_by_alias(
        "digits", "champion"
    )
    assert (found.version, found.current_stage) == (2, "Production")
    assert serious_faults(window.page, ".nbt-sidebar") == []


def test_details_show_where_a_version_comes_from(window: Lab) -> None:
    home(window)
    row(window, 1).locator(".nbt-version").dblclick()
    page = window.page
    page.locator(".nbt-details-name:visible", has_text="digits v1").wait_for()
    view = page.locator(".nbt-view:visible")
    assert view.locator(".nbt-signame").all_text_contents() == ["length", "kind", "length"]
    view.locator(".nbt-lineage").get_by_role("button", name="training").wait_for()
    assert serious_faults(page, ".nbt-view:not(.lm-mod-hidden)") == []
    view.get_by_role("tab", name="Files").click()
    view.get_by_role("treeitem", name="requirements.txt").click()
    view.locator(".nbt-preview", has_text="requirements.txt").wait_for()
    view.locator(".nbt-details-facts").get_by_text("training").click()
    page.locator(".nbt-view:visible").get_by_role("tab", name="Models").click()
    page.locator(".nbt-view:visible .nbt-runmodel .nbt-codeline", has_text="load_model").wait_for()


def test_a_cell_that_loads_it_is_inserted_and_undo_brings_an_alias_back(window: Lab) -> None:
    home(window)
    page = window.page
    page.evaluate(
        "() => { for (const w of [...window.jupyterapp.shell.widgets('main')])"
        " if (w.id.startsWith('nbtrack-')) w.dispose(); }"
    )
    row(window, 1).click(button="right")
    page.locator(".lm-Menu-itemLabel").get_by_text("Insert cell that loads it").click()
    page.locator(".cm-content", has_text="load_model('models:/digits/1')").wait_for()
    row(window, 1).locator(".nbt-version").dblclick()
    view = page.locator(".nbt-view:visible")
    view.get_by_role("button", name="+ Add alias").click()
    page.get_by_label("Alias", exact=True).fill("old")
    answer(window, "Save")
    view.get_by_role("button", name="Remove the alias old of digits v1").click()
    row(window, 1).locator(".nbt-modelchip", has_text="@old").wait_for(state="detached")
    removed = page.locator(".Toastify__toast", has_text="names no version")
    removed.get_by_role("button", name="Undo").click()
    row(window, 1).locator(".nbt-modelchip", has_text="@old").wait_for()


def test_the_form_of_a_card_asks_the_kernel_and_the_card_stays(window: Lab) -> None:
    page = window.page
    page.evaluate(
        "() => { for (const w of [...window.jupyterapp.shell.widgets('main')])"
        " if (w.id.startsWith('nbtrack-')) w.dispose(); }"
    )
    output = window.cell(1).locator(".nbt-card")
    output.get_by_role("button", name="Try it").click()
    output.get_by_role("textbox", name="length").fill("21")
    output.get_by_role("button", name="Predict").click()
    output.locator(".nbt-prediction td", has_text="42").wait_for()
    output.get_by_role("textbox", name="length").fill("long")
    output.get_by_role("button", name="Predict").click()
    output.locator(".nbt-error", has_text="length is 'long'").wait_for()
    assert serious_faults(page, ".jp-Notebook .nbt-card") == []
    window.save()
    window.reload()
    card(window).locator(".nbt-signame").first.wait_for()
    window.ready()
    window.restart_kernel()
    window.save()
    window.reload()
    card(window).locator(".nbt-codeline", has_text="models:/digits/1").wait_for()
    assert window.cell(1).locator(".nbt-modelopen").count() == 0
