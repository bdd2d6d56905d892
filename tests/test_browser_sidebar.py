"""What is done in the sidebar: edits, settings, first minutes, and runs whose kernel died."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import lab as jupyter
import sidebar
from lab import CELLS, Server, open_lab, write_notebook
from nbtrack.client import Client
from nbtrack.entities import ViewType
from sidebar import LOGGING, Page, open_page, open_sidebar, python

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

browser = jupyter.browser
server, window, side, client = sidebar.server, sidebar.window, sidebar.side, sidebar.client
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TRAINING = """%%track long -e digits
import math, time
for step in range(START, 60):
    nbtrack.log_metric("loss", math.exp(-step / 20), step=step)
    time.sleep(0.02 if RESUMED or step < 30 else 60)
"""
SAVE_SETTINGS = """settings => window.jupyterapp.serviceManager.settings.save(
  'nbtrack:sidebar', JSON.stringify(settings))"""
SET_CELL = f"([at, text]) => ({CELLS}).at(at).model.sharedModel.setSource(text)"


def find(client: Client, name: str, view: int = ViewType.ALL) -> Any:
    [run] = client.search_runs(
        [e.experiment_id for e in client.search_experiments(view_type=ViewType.ALL)],
        f"attributes.run_name = '{name}'",
        run_view_type=view,
    )
    return run


# -- what is done to runs and experiments ---------------------------------------------------


def test_name_note_and_tag_are_written_to_the_store(side: Page, client: Client) -> None:
    side.open_run("lr-0.01")
    side.page.get_by_role("textbox", name="Note").fill("too slow")
    side.page.locator(".nbt-details-name").click()
    side.page.get_by_role("button", name="+ Add tag").click()
    side.page.get_by_label("Tag", exact=True).fill("owner")
    side.page.get_by_label("Value", exact=True).fill("ada")
    side.page.get_by_role("button", name="Save").click()
    side.page.locator(".nbt-chip", has_text="ada").wait_for()
    side.row("lr-0.01").click()
    side.rename_active("slow")
    run = find(client, "slow")
    assert run.data.tags["mlflow.note.content"] == "too slow"
    assert run.data.tags["owner"] == "ada"


def test_deleted_runs_come_back(side: Page, client: Client) -> None:
    side.row("too-high").click()
    side.tree.focus()
    side.page.keyboard.press("Delete")
    side.answer("Delete")
    side.row("too-high").wait_for(state="detached")
    assert find(client, "too-high").info.lifecycle_stage == "deleted"
    side.choose("deleted")
    side.menu("too-high", "Restore")
    side.row("too-high").wait_for(state="detached")
    side.choose("active")
    side.row("too-high").wait_for()
    assert find(client, "too-high").info.lifecycle_stage == "active"


def test_a_menu_is_about_the_run_it_was_opened_for(side: Page, client: Client) -> None:
    side.row("too-high").locator(".nbt-row-name").click(button="right")
    side.search("baseline")  # as a run goes from the list when another program deletes it
    side.row("too-high").wait_for(state="detached")
    side.page.locator(".lm-Menu-itemLabel").get_by_text("Edit note …", exact=True).click()
    side.page.locator(".jp-Dialog textarea").fill("of the menu")
    side.answer("Save")
    side.search("")
    side.open_run("too-high")
    side.page.wait_for_function(
        "() => document.querySelector('textarea[aria-label=Note]')?.value === 'of the menu'"
    )
    assert find(client, "too-high").data.tags["mlflow.note.content"] == "of the menu"
    assert "mlflow.note.content" not in find(client, "baseline").data.tags


def test_an_interrupted_run_is_discarded_in_its_row(side: Page, client: Client) -> None:
    side.page.get_by_role("button", name="Discard night-run").click()
    side.answer("Discard")
    side.row("night-run").wait_for(state="detached")
    assert find(client, "night-run").info.lifecycle_stage == "deleted"
    toast = side.page.locator(".Toastify__toast", has_text="Discarded")
    toast.get_by_role("button", name="Undo").click()
    side.row("night-run").wait_for()


def test_an_interrupted_run_is_kept_as_it_is(side: Page, client: Client) -> None:
    side.page.get_by_role("button", name="Keep night-run").click()
    side.page.get_by_role("button", name="Keep night-run").wait_for(state="detached")
    assert find(client, "night-run").data.tags["nbtrack.kept"] == "true"


def test_experiments_are_renamed_noted_deleted_and_restored(side: Page, client: Client) -> None:
    side.menu("digits", "Rename")
    side.page.locator(".nbt-rename").fill("numbers")
    side.page.keyboard.press("Enter")
    side.row("numbers").wait_for()
    side.rename_active("digits")  # by the keyboard, where it was left
    side.menu("digits", "Edit note …")
    side.page.locator(".jp-Dialog textarea").fill("small images")
    side.answer("Save")
    side.tree.focus()
    side.page.keyboard.press("Delete")
    side.answer("Delete")
    side.row("digits").wait_for(state="detached")
    side.choose("deleted")
    side.menu("digits", "Restore")
    side.choose("active")
    side.row("baseline").wait_for()
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    assert experiment.lifecycle_stage == "active"
    assert experiment.tags["mlflow.note.content"] == "small images"


# -- what happens elsewhere -----------------------------------------------------------------


def test_a_run_of_another_process_shows_in_every_window(
    browser: Browser, side: Page, server: Server
) -> None:
    with (
        open_page(browser, server) as other,
        python(
            server.folder / "project", LOGGING, "elsewhere", "wait", stdin=subprocess.PIPE
        ) as process,
    ):
        for window in (side, other):
            window.row("elsewhere").locator(".nbt-sign[data-state=RUNNING]").wait_for()
            window.row("elsewhere").get_by_text("step 4").wait_for()
        process.communicate(b"\n")
        for window in (side, other):
            window.row("elsewhere").locator(".nbt-sign[data-state=FINISHED]").wait_for()


def test_a_run_goes_on_after_its_kernel_died(side: Page, server: Server, client: Client) -> None:
    notebook = server.folder / "project" / "training.ipynb"
    begin = "import nbtrack\nSTART, RESUMED = 0, False"
    side.open(write_notebook(notebook, "%load_ext nbtrack", begin, TRAINING))
    side.show()
    side.run(0)
    side.done()
    side.run(1)
    side.done()
    side.run(2)
    side.row("long").get_by_text("step 30").wait_for()
    for pid in kernels_of(server):
        os.kill(pid, signal.SIGKILL)
    side.page.get_by_role("button", name="Resume long").wait_for()
    side.page.locator(".jp-Dialog").get_by_role("button").last.click()
    side.ready()
    side.page.get_by_role("button", name="Resume long").click()
    side.page.get_by_text("It has come to step 30").wait_for()
    side.page.evaluate(SET_CELL, [-2, "import nbtrack\nSTART, RESUMED = 31, True"])
    side.page.keyboard.press("Shift+Enter")  # all that was inserted is selected
    side.row("long").locator(".nbt-sign[data-state=FINISHED]").wait_for()
    run = find(client, "long")
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in history] == list(range(60))


def kernels_of(server: Server) -> list[int]:
    """Return the processes of the kernels that the server has started."""
    children = psutil.Process(server.pid).children()
    return [child.pid for child in children if "ipykernel" in " ".join(child.cmdline())]


def test_settings_choose_the_store_and_its_loss_is_said(side: Page, server: Server) -> None:
    copy = server.folder / "other"
    shutil.copytree(server.folder / "project", copy)
    settings = {"store": "other/nbtrack.duckdb", "palette": "contrast"}
    side.page.evaluate(SAVE_SETTINGS, settings)
    side.reload()
    side.show()
    stores = side.page.get_by_role("combobox", name="Store")
    side.page.locator("body[data-nbtrack-palette=contrast]").wait_for(state="attached")
    assert stores.locator("option:checked").text_content() == "other/nbtrack.duckdb"
    shutil.rmtree(copy)
    side.row("baseline").click()
    side.page.get_by_role("button", name="Look again").click()
    stores.wait_for(state="hidden")  # the only one that is left is shown
    side.row("baseline").wait_for()
    side.page.evaluate(SAVE_SETTINGS, {})


def test_a_store_whose_runs_were_read_has_no_complaint_about_an_earlier_look(side: Page) -> None:
    """The list of stores says what counting their running runs found, which may have been slow."""

    def with_error(route: Route) -> None:
        answer = route.fetch()
        stores = [{**each, "error": "It takes too long"} for each in answer.json()["stores"]]
        route.fulfill(response=answer, json={"stores": stores})

    side.page.route("**/nbtrack/stores*", with_error)
    try:
        with side.page.expect_response("**/nbtrack/stores*") as listed:
            side.reload()
            side.show()
        assert "It takes too long" in listed.value.text()
        side.row("baseline").wait_for()
        assert side.page.get_by_text("It takes too long").count() == 0
    finally:
        side.page.unroute("**/nbtrack/stores*")


def test_notebook_7_has_the_sidebar_and_the_details(browser: Browser, server: Server) -> None:
    with open_lab(browser, server) as page:
        page.open(server.folder / "a.ipynb", app="notebooks")
        open_sidebar(page)
        tree = page.page.locator(".nbt-tree")
        tree.get_by_text("baseline").dblclick()
        page.page.locator(".nbt-details-name", has_text="baseline").wait_for()


# -- the first minutes ----------------------------------------------------------------------


def test_without_a_store_it_teaches_and_sees_the_first_run(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    started = Server(folder)
    settings = folder / "jupyter" / "settings_dir" / "nbtrack"
    settings.mkdir(parents=True)
    open_at_start = json.dumps({"openAtStart": True})
    (settings / "sidebar.jupyterlab-settings").write_text(open_at_start, "utf-8")
    try:
        started.wait()
        with open_lab(browser, started) as page:
            page.open(write_notebook(started.folder / "first.ipynb", ""))
            insert = page.page.get_by_role("button", name="Insert into notebook")
            insert.wait_for()  # nobody has opened the sidebar
            page.reload()
            page.ready()
            insert.click()
            page.page.locator(".cm-content", has_text="nbtrack.start_run").wait_for()
            page.run_all()
            page.page.locator(".nbt-tree").get_by_text("first").wait_for()
            page.page.wait_for_timeout(500)
            assert page.page.locator(".nbt-tree").is_visible()
    finally:
        started.stop()


def test_without_the_server_extension_it_says_what_to_do(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    started = Server(tmp_path_factory.mktemp("off"), extension=False)
    try:
        started.wait()
        with open_lab(browser, started) as page:
            page.open(write_notebook(started.folder / "a.ipynb", "1"))
            open_sidebar(page)
            page.page.get_by_text("jupyter server extension enable nbtrack").wait_for()
            page.problems.clear()
    finally:
        started.stop()
