"""What the views of ``nbtrack ui`` show of what is not there, not here yet, long, or many."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lab import PACKAGE, browser, serious_faults
from programs import run
from ui_page import TESTS, Ui, Window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RUNS = """
import math, sys
sys.path.insert(0, sys.argv[1])
import nbtrack
from shown_models import log_folder

nbtrack.set_tracking_uri("shown.duckdb")
nbtrack.set_experiment("sweep")
with nbtrack.start_run(run_name="parent"):
    for i in range(3):
        with nbtrack.start_run(run_name=f"child-{i}", nested=True) as started:
            names = ("learning_rate", "dropout", "hidden_size", "batch_size", "decay", "seed")
            nbtrack.log_params({name: 0.001234 * (i + k + 1) for k, name in enumerate(names)})
            for step in range(5):
                loss = math.exp(-step * (i + 1)) + 1.2345
                nbtrack.log_metrics({"validation/loss": loss, "accuracy": 0.2 * i + step / 9}, step)
client = nbtrack.MlflowClient()
client.create_experiment("nothing")
client.create_registered_model("oldest of all")
for i in range(200):
    client.create_registered_model(f"model-{i}")
LONG = "-".join(["long"] * 40)
model = log_folder("net", started.info.run_id)
for name in (LONG, "net", "single"):
    nbtrack.register_model(f"models:/{model.model_id}", name)
for alias in ("champion", "c" * 60):
    client.set_registered_model_alias("net", alias, 1)
client.set_registered_model_alias("single", "champion", 1)
client.update_registered_model("net", "What it is for, in many words. " * 5)
"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    if not (PACKAGE / "static" / "page" / "page.js").is_file():
        pytest.fail("The page is not built. Build: cd js && npm ci && npm run build")
    folder: Path = tmp_path_factory.mktemp("shown")
    run(RUNS, TESTS, cwd=folder)
    started = Ui(folder)
    yield started
    assert started.interrupt() == 0


@pytest.fixture
def window(browser: Browser, ui: Ui) -> Iterator[Window]:
    opened = Window(browser, ui)
    opened.page.set_viewport_size({"width": 900, "height": 900})
    yield opened
    opened.close()


@pytest.fixture
def dark(browser: Browser, ui: Ui) -> Iterator[Window]:
    opened = Window(browser, ui, "dark")
    yield opened
    opened.close()


def is_cut(place: Locator) -> bool:
    """Whether a part of what is inside an element can only be seen by scrolling sideways."""
    return bool(place.evaluate("e => e.scrollWidth > e.clientWidth"))


def height(place: Locator) -> float:
    return float(place.evaluate("e => e.getBoundingClientRect().height"))


def compare(window: Window) -> None:
    window.experiment("sweep")
    window.wait_for_runs(["child-2", "child-1", "child-0", "parent"])
    window.table.cell(3, "run_name").locator("a").click()
    window.page.get_by_role("button", name="Compare them").click()
    window.page.locator("h1", has_text="Compare 3 runs").wait_for()


def shade(page: Page, place: Locator) -> int:
    """Return how light the upper left of an element is, from 0 to 255."""
    picture = Image.open(io.BytesIO(place.screenshot())).convert("L")
    return int(picture.getpixel((picture.width // 2, 3)))


def test_what_is_not_there_is_said_and_nothing_is_offered_for_it(window: Window) -> None:
    page = window.page
    window.show("#/runs?experiments=999")
    page.get_by_role("heading", name="There is no such experiment").wait_for()
    assert page.locator(".nbt-runstable").count() == 0
    window.show("#/models/nowhere")
    page.get_by_text("There is no registered model “nowhere”. It may have been").wait_for()
    assert page.get_by_role("button", name="More about this model").count() == 0
    window.show(f"#/runs/{'0' * 32}")
    page.get_by_text("This is not in the store").wait_for()
    assert page.get_by_role("button", name="More about this run").is_disabled()
    window.problems.clear()  # the browser tells of an answer with the status 404


def test_a_model_that_was_changed_long_ago_is_shown_and_its_first_version_explained(
    window: Window,
) -> None:
    page = window.page
    window.show("#/models/oldest%20of%20all")
    page.get_by_role("heading", name="No versions yet").wait_for()
    assert "register_model(" in page.locator(".nbt-teach pre").inner_text()
    assert '"oldest of all"' in page.locator(".nbt-teach pre").inner_text()
    assert page.get_by_role("button", name="More about this model").is_visible()
    assert serious_faults(page, "body") == []


def test_long_names_of_models_and_aliases_leave_room_for_the_rest(window: Window) -> None:
    page = window.page
    window.show("#/models")
    page.get_by_role("table", name="Models").wait_for()
    assert not is_cut(page.locator(".table-host"))
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="single", exact=True))
    # the version stands beside its alias
    assert height(row.locator(".chips > .chips")) < 2 * height(row.locator(".nbt-modelchip"))


def test_nothing_is_said_of_runs_that_are_not_here_yet(window: Window) -> None:
    page = window.page
    held: list[Route] = []
    holding = True

    def hold(route: Route) -> None:
        if holding and '"compare.data"' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.fallback()

    page.route("**/ask*", hold)
    compare(window)
    page.locator(".nbt-choices").first.wait_for(state="attached")
    page.wait_for_timeout(500)
    said = page.get_by_text("These runs have no").filter(visible=True)
    assert held
    assert said.count() == 0
    holding = False
    for route in held:
        route.fallback()
    page.locator(".nbt-parallel[data-runs='3']").wait_for()
    assert said.count() == 0


def test_eight_axes_have_room_in_a_narrow_page(window: Window) -> None:
    compare(window)
    window.page.locator(".nbt-parallel[data-runs='3']").wait_for()
    assert window.page.locator(".nbt-axis-heads > *").count() == 8
    assert not is_cut(window.page.locator(".nbt-parallel-scroll"))


def test_a_comparison_of_nothing_has_no_plots(window: Window) -> None:
    page = window.page
    window.experiment("nothing")
    page.get_by_text("No runs here yet").wait_for()
    page.get_by_text("Runs are in sweep (4)").wait_for()
    page.get_by_role("button", name="Plots").click()
    page.locator(".nbt-comparison").get_by_text("No runs here yet").wait_for()
    page.locator(".nbt-cmp-grid").wait_for(state="hidden")


def test_the_best_value_has_its_star_beside_it(window: Window) -> None:
    window.experiment("sweep")
    best = window.table.root.locator(".nbt-best").first
    best.wait_for()
    left, right = best.evaluate(
        "e => (s => [parseFloat(s.left), parseFloat(s.right)])(getComputedStyle(e, '::before'))"
    )
    assert right < left


def test_the_menu_of_an_archived_run_takes_it_out_of_the_archive(window: Window) -> None:
    page = window.page
    window.experiment("sweep")
    window.table.wait_for_total(4)
    window.table.cell(0, "run_name").locator("a").click()
    more = page.get_by_role("button", name="More about this run")
    more.click()
    page.get_by_role("menuitem", name="Archive").click()
    page.locator(".nbt-factlist").get_by_text("archived").wait_for()
    more.click()
    page.get_by_role("menuitem", name="Unarchive").click()
    page.locator(".nbt-factlist").get_by_text("archived").wait_for(state="detached")


def test_the_id_of_a_run_is_in_one_line(window: Window) -> None:
    page = window.page
    page.set_viewport_size({"width": 1600, "height": 900})
    window.experiment("sweep")
    window.table.wait_for_total(4)
    window.table.cell(0, "run_name").locator("a").click()
    known = page.locator(".nbt-factlist code").get_by_text(re.compile("^[0-9a-f]{32}$"))
    known.wait_for()
    assert known.evaluate("e => e.getClientRects().length") == 1


def test_what_is_chosen_stands_out_in_the_dark(dark: Window) -> None:
    page = dark.page
    dark.experiment("sweep")
    for group in ("Theme", "View"):
        buttons = page.get_by_role("group", name=group).get_by_role("button")
        chosen, other = (
            shade(page, buttons.and_(page.locator(f"[aria-pressed={state}]")).first)
            for state in ("true", "false")
        )
        assert chosen > other + 15, group


def test_where_there_is_no_store_the_page_says_where_a_first_run_has_to_be(
    browser: Browser, tmp_path: Path
) -> None:
    started = Ui(tmp_path)
    opened = Window(browser, started)
    opened.page.get_by_text("in the folder that nbtrack ui was started in").wait_for()
    opened.close()
    assert started.interrupt() == 0
