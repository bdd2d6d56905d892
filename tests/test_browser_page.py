"""The page of ``nbtrack ui`` in a real browser."""

from __future__ import annotations

import math
import re
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from lab import AXE, PACKAGE, browser, serious_faults
from nbtrack.client import Client
from nbtrack.entities import Metric, Param
from programs import start
from ui_page import LIVE, Ui, Window, log_runs
from walks import walk_to

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Route

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shown")


@pytest.fixture(scope="module")
def run_id(folder: Path) -> str:
    return log_runs(folder)


@pytest.fixture(scope="module")
def ui(folder: Path, run_id: str) -> Iterator[Ui]:
    if not (PACKAGE / "static" / "page" / "page.js").is_file():
        pytest.fail("The page is not built. Build: cd js && npm ci && npm run build")
    started = Ui(folder)
    yield started
    assert started.interrupt() == 0
    assert "Traceback" not in (folder / "ui.log").read_text()


@pytest.fixture
def window(browser: Browser, ui: Ui) -> Iterator[Window]:
    opened = Window(browser, ui)
    yield opened
    opened.close()


def test_the_runs_are_a_table_to_filter_and_sort(window: Window) -> None:
    page = window.page
    window.experiment("digits")
    window.wait_for_runs(["baseline", "<b>quick</b>", "slow"])
    page.wait_for_function("() => document.title === 'digits · nbtrack'")
    assert "token=" not in page.url
    window.table.heading("metrics.loss").click()
    window.wait_for_runs(["<b>quick</b>", "baseline", "slow"])
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("params.lr > 0.02")
    page.keyboard.press("Enter")
    window.wait_for_runs(["<b>quick</b>", "baseline"])
    assert serious_faults(page, "body") == []


def test_code_that_comes_late_changes_neither_title_nor_view(window: Window) -> None:
    page = window.page
    parts = (PACKAGE / "static" / "page").glob("part-*.js")
    late = next(part.name for part in parts if "Filter the models" in part.read_text("utf-8"))
    held: list[Route] = []
    page.route(f"**/{late}", lambda route: held.append(route))
    with page.expect_request(f"**/{late}"):
        window.show("#/models")
    window.experiment("digits")
    window.table.wait_for_total(3)
    assert page.title() == "digits · nbtrack"
    held[0].continue_()
    page.evaluate("part => import(part).then(() => null)", held[0].request.url)
    assert page.title() == "digits · nbtrack"
    assert page.locator("h1").all_inner_texts() == ["digits"]
    assert page.url.endswith(page.locator(".nav-link", has_text="digits").get_attribute("href"))


def test_the_keyboard_comes_back_to_the_row_it_has_opened(window: Window) -> None:
    page, keys = window.page, window.page.keyboard
    window.experiment("digits")
    window.table.wait_for_total(3)
    window.table.filter("qick")
    page.get_by_text("No run fits this filter. Did you mean '<b>quick</b>'?").wait_for()
    window.table.filter("")
    window.table.wait_for_total(3)
    opened = window.table.column("run_name")[1]
    window.table.cell(2, "status").focus()
    for key in ("Space", "ArrowUp", "Space", "Enter"):
        keys.press(key)
    page.locator(".nbt-details-name", has_text=opened).wait_for()
    assert page.evaluate("() => document.getElementById('main').contains(document.activeElement)")
    page.go_back()
    page.wait_for_function(
        "() => document.activeElement.matches('[row-index=\"1\"] [col-id=run_name]')"
    )
    page.get_by_role("button", name="Compare 2 runs").press("Enter")
    page.locator(".nbt-comparison .main-svg").first.wait_for()
    page.go_back()
    page.wait_for_function("() => document.activeElement.textContent === 'Compare 2 runs'")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed")
def test_the_page_is_used_with_the_keyboard_alone(window: Window) -> None:
    page, keys, table = window.page, window.page.keyboard, window.table
    page.locator(".nav-link[title='digits']").wait_for()
    walk_to(page, ".nav-link[title='digits']")
    keys.press("Enter")
    page.locator("h1", has_text="digits").wait_for()
    table.wait_for_total(3)
    keys.press("/")
    keys.type("params.lr <")
    page.get_by_role("status").get_by_text("not finished").wait_for()
    keys.type(" 0.07")
    table.wait_for_total(2)
    assert serious_faults(page, "body") == []
    walk_to(page, ".ag-header-cell")
    walk_to(page, ".ag-header-cell[col-id='run_name']", "ArrowRight")
    keys.press("Enter")
    table.wait_for("run_name", ["baseline", "slow"])
    walk_to(page, ".ag-row .ag-cell", "ArrowDown")
    for key in ("Space", "ArrowDown", "Space"):
        keys.press(key)
    table.root.get_by_text("2 of 2 runs selected").wait_for()
    walk_to(page, ".page-head .nbt-main", "Shift+Tab")
    keys.press("Enter")
    page.locator("h1", has_text="Compare 2 runs").wait_for()
    page.locator(".nbt-comparison .main-svg").first.wait_for()
    walk_to(page, ".nbt-comparison [data-entry]")
    keys.press("Enter")
    page.locator("[data-entry][aria-pressed=false]").wait_for()
    assert serious_faults(page, "body") == []
    walk_to(page, ".nav-link[title='digits']", "Shift+Tab")
    keys.press("Enter")
    table.wait_for_total(3)
    walk_to(page, ".ag-header-cell")
    walk_to(page, ".ag-header-cell[col-id='run_name']", "ArrowRight")
    walk_to(page, ".ag-row .ag-cell", "ArrowDown")
    keys.press("Enter")
    page.locator(".nbt-details-name").wait_for()
    walk_to(page, "[role=tab][aria-selected=true]")
    for name in ("Curves", "Params", "Artifacts"):
        keys.press("ArrowRight")
        page.get_by_role("tab", name=name, selected=True).wait_for()
        page.get_by_role("tabpanel", name=name).wait_for()
    assert serious_faults(page, "body") == []
    walk_to(page, ".nav-link[href='#/models']", "Shift+Tab")
    keys.press("Enter")
    page.locator("h1", has_text="Models").wait_for()
    assert serious_faults(page, "body") == []
    keys.press("/")
    keys.type("digits")
    walk_to(page, ".listing a")
    keys.press("Enter")
    page.locator("h1", has_text="digits-net").wait_for()
    assert serious_faults(page, "body") == []
    walk_to(page, ".listing a")
    keys.press("Enter")
    page.locator(".nbt-details-name", has_text="digits-net v1").wait_for()
    walk_to(page, "[role=tab][aria-selected=true]")
    keys.press("End")
    page.get_by_role("tabpanel", name="Environment").wait_for()
    assert serious_faults(page, "body") == []


def test_two_runs_are_compared(window: Window) -> None:
    page = window.page
    window.experiment("digits")
    window.table.wait_for_total(3)
    compare = page.get_by_role("button", name="Compare")
    assert compare.is_disabled()
    for row in (0, 2):
        window.table.cell(row, "status").click(modifiers=["Control"])
    page.get_by_role("button", name="Compare 2").click()
    page.locator("h1", has_text="Compare 2 runs").wait_for()
    page.locator(".nbt-stored-chart .main-svg").first.wait_for()
    window.table.wait_for_total(2)
    page.go_back()
    window.table.wait_for_total(3)


def test_a_reload_and_a_copied_link_bring_back_what_was_shown(window: Window) -> None:
    page = window.page
    window.experiment("digits")
    window.table.wait_for_total(3)
    window.table.filter("params.lr > 0.02")
    window.table.heading("params.lr").click()  # the experiment may remember another order
    window.wait_for_runs(["<b>quick</b>", "baseline"])
    for row in (0, 1):
        window.table.cell(row, "status").click(modifiers=["Control"])
    page.get_by_role("button", name="Compare 2").wait_for()
    link = page.url
    for bring_back in (page.reload, lambda: page.goto("about:blank") or page.goto(link)):
        bring_back()
        window.wait_for_runs(["<b>quick</b>", "baseline"])
        page.get_by_role("button", name="Compare 2").wait_for()
        assert page.get_by_role("searchbox").first.input_value() == "params.lr > 0.02"
    page.get_by_role("button", name="Plots").click()
    page.locator(".nbt-comparison .nbt-count", has_text="2 of 2 runs selected").wait_for()


def test_the_zoom_of_curves_is_in_the_address(window: Window, run_id: str) -> None:
    page = window.page
    window.show(f"#/runs/{run_id}?tab=curves")
    plot = page.locator(".nbt-stored-chart .nsewdrag").first
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 44, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Reset zoom").wait_for()
    window.page.reload()
    page.get_by_role("button", name="Reset zoom").click()
    page.get_by_role("button", name="Reset zoom").wait_for(state="hidden")
    assert page.url.endswith(f"#/runs/{run_id}?tab=curves")


def test_a_run_is_opened_with_its_curves_and_files(window: Window, run_id: str) -> None:
    page = window.page
    window.show(f"#/runs/{run_id}")
    page.locator(".nbt-details-name", has_text="baseline").wait_for()
    page.get_by_role("tab", name="Curves").click()
    page.locator(".nbt-stored-chart .main-svg").first.wait_for()
    assert page.url.endswith(f"#/runs/{run_id}?tab=curves")
    page.get_by_role("tab", name="Artifacts").click()
    files = page.get_by_role("tree", name="Artifacts")
    files.get_by_text("figures").click()
    files.get_by_text("plot.png").click()
    page.locator(".nbt-preview img").wait_for()
    assert page.locator(".nbt-preview img").evaluate("image => image.naturalWidth") == 64
    files.get_by_text("report.md").click()
    page.locator(".nbt-preview strong", has_text="Good").wait_for()
    files.get_by_text("report.html").click()
    page.frame_locator(".nbt-preview iframe").locator("h1", has_text="Hi").wait_for()
    assert page.evaluate("() => 'evil' in window") is False
    window.problems = [said for said in window.problems if "sandboxed" not in said]


def test_figures_sound_and_papers_are_shown(window: Window, folder: Path) -> None:
    go = pytest.importorskip("plotly.graph_objects")
    client = Client(str(folder / "shown.duckdb"))
    run_id = client.create_run(client.create_experiment("media"), run_name="media").info.run_id
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[1, 4, 9]), {"title": "Squares"})
    client.log_figure(run_id, figure, "squares.html")
    confusion = go.Figure(go.Heatmap(z=[[9, 1], [2, 8]]), {"title": "Confusion"})
    client.log_figure(run_id, confusion, "confusion.html")
    client.log_text(run_id, "%PDF-1.4\n%%EOF", "paper.pdf")
    samples = struct.pack("<400h", *range(0, 4000, 10))
    form = (b"RIFF", 836, b"WAVEfmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 800)
    head = struct.pack("<4sI8sIHHIIHH4sI", *form)
    (folder / "sound.wav").write_bytes(head + samples)
    client.log_artifact(run_id, str(folder / "sound.wav"))
    client.set_terminated(run_id)
    page = window.page
    window.show(f"#/runs/{run_id}?tab=artifacts")
    files = page.get_by_role("tree", name="Artifacts")
    files.get_by_text("squares.html").click()
    page.locator(".nbt-figure .gtitle", has_text="Squares").wait_for()
    assert page.locator(".nbt-figure .scatterlayer .point").count() == 3
    files.get_by_text("confusion.html").click()
    page.locator(".nbt-figure .gtitle", has_text="Confusion").wait_for()
    page.locator(".nbt-figure .heatmaplayer image").wait_for()
    files.get_by_text("sound.wav").click()
    page.wait_for_function("() => document.querySelector('.nbt-preview audio')?.duration > 0.04")
    files.get_by_text("paper.pdf").click()
    link = page.locator(".nbt-preview a", has_text="Open in a new tab")
    link.wait_for()
    assert str(link.get_attribute("href")).startswith("blob:")


def log_images(folder: Path, name: str, steps: Sequence[int], key: str = "samples") -> str:
    """Log an image of one color for each step; return the run, which goes on."""
    client = Client(str(folder / "shown.duckdb"))
    found = client.get_experiment_by_name("pictures")
    experiment_id = found.experiment_id if found else client.create_experiment("pictures")
    run_id = client.create_run(experiment_id, run_name=name).info.run_id
    for step in steps:
        client.log_image(
            run_id, Image.new("RGB", (300, 200), (step * 20, 90, 90)), key=key, step=step
        )
    return run_id


def test_images_have_a_slider_over_their_steps(window: Window, folder: Path) -> None:
    run_id = log_images(folder, "painter", [0, 2, 4])
    client = Client(str(folder / "shown.duckdb"))
    client.log_image(run_id, Image.new("RGB", (9, 9)), key="val/one", step=7)
    page = window.page
    window.show(f"#/runs/{run_id}?tab=images")
    card = page.get_by_role("tabpanel", name="Images").get_by_role("region", name="samples")
    shot = card.locator(".nbt-shot[data-state='whole'][data-path*='+step+4+']")
    shot.wait_for()
    assert shot.locator("img").evaluate("image => image.naturalWidth") == 300
    slider = card.get_by_role("slider", name="Step of samples")
    slider.focus()
    for key, step in (("ArrowLeft", 2), ("Home", 0), ("ArrowRight", 2), ("End", 4)):
        page.keyboard.press(key)
        card.get_by_role("img", name=f"samples, step {step}").wait_for()
        card.locator(f".nbt-shot[data-state='whole'][data-path*='+step+{step}+']").wait_for()
        assert str(slider.get_attribute("aria-valuetext")).startswith(f"step {step}, today")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("&images="))
    page.reload()
    card.get_by_role("img", name="samples, step 2").wait_for()
    slider.press("End")
    page.wait_for_url(re.compile("tab=images$"))
    # of a live run new steps come, and the slider stays at the end
    client.log_image(run_id, Image.new("RGB", (300, 200)), key="samples", step=6)
    card.locator(".nbt-shot[data-state='whole'][data-path*='+step+6+']").wait_for()
    assert "4 of 4" in card.inner_text()
    assert page.get_by_role("slider", name="Step of val/one").is_hidden()
    card.get_by_role("button", name="Enlarge samples, step 6").click()
    dialog = page.get_by_role("dialog")
    page.keyboard.press("ArrowLeft")
    dialog.get_by_role("img", name="samples, step 4").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert serious_faults(page, ".nbt-page") == []


def test_images_of_runs_stand_side_by_side(window: Window, folder: Path) -> None:
    ids = [
        log_images(folder, "first", [0, 5]),
        log_images(folder, "second", [3]),
        log_images(folder, "third", [5], key="other"),
    ]
    page = window.page
    window.show(f"#/compare?runs={','.join(ids)}")
    part = page.get_by_role("region", name="Images", exact=True)
    slider = part.get_by_role("slider", name="Step of all images")
    slider.wait_for()
    heads = part.get_by_role("columnheader")
    columns = {heads.nth(i).inner_text(): ids[i] for i in range(3)}
    assert list(columns) == ["first", "second", "third"]

    def cell(name: str, key: str = "samples") -> Locator:
        return part.locator(f"td[data-run='{columns[name]}'][data-key='{key}']")

    cell("first").scroll_into_view_if_needed()
    cell("first").locator(".nbt-shot[data-state='small'][data-path*='+step+5+']").wait_for()
    cell("second").get_by_text("nearest: step 3", exact=True).wait_for()
    cell("third").get_by_text("not logged").wait_for()
    slider.focus()
    page.keyboard.press("Home")
    cell("first").locator(".nbt-shot[data-state='small'][data-path*='+step+0+']").wait_for()
    cell("second").get_by_text("nothing before step 3").wait_for()
    part.get_by_role("button", name="Zoom in").click()
    cell("first").locator(".nbt-shot[data-state='whole']").wait_for()
    part.get_by_role("status").get_by_text("150 %").wait_for()
    page.reload()
    part.get_by_role("status").get_by_text("150 %").wait_for()
    cell("second").get_by_text("nothing before step 3").wait_for()
    assert serious_faults(page, "[data-section='images']") == []


def test_keys_of_any_kind_are_shown_as_they_are(window: Window) -> None:
    page = window.page
    window.experiment("keys")
    window.wait_for_runs(["keys 1", "keys 0"])
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("metrics.`x[0].y` < 12")
    page.keyboard.press("Enter")
    window.wait_for_runs(["keys 0"])
    window.show("#/")
    window.experiment("keys")
    window.wait_for_runs(["keys 1", "keys 0"])
    for row in (0, 1):
        window.table.cell(row, "status").click(modifiers=["Control"])
    page.get_by_role("button", name="Compare 2").click()
    page.locator("h1", has_text="Compare 2 runs").wait_for()
    page.locator(".nbt-stored-chart .main-svg").first.wait_for()
    page.go_back()
    window.table.cell(0, "run_name").hover()
    window.table.cell(0, "run_name").get_by_role("link").click()
    page.get_by_role("tab", name="Curves").click()
    page.locator(".nbt-stored-chart .main-svg").first.wait_for()
    for key in ("acc (top 5)", "p@5, %", "x[0].y", "a'b`c", "<b>bold</b>"):
        shown = page.locator(".nbt-stored-chart").get_by_text(key, exact=True)
        shown.locator("visible=true").first.wait_for()
    assert page.evaluate("() => 'evil' in window") is False
    assert page.locator("img[src=x]").count() == 0


def test_what_was_found_is_left_out_with_a_click(window: Window, folder: Path) -> None:
    page = window.page
    client = Client(folder / "shown.duckdb")
    run_id = client.create_run(client.create_experiment("found"), run_name="found").info.run_id
    client.log_batch(run_id, params=[Param("depth", "3"), Param("width", "4")])
    found_tag = '[{"kind":"param","from":"cell 3","keys":["depth","width"]}]'
    client.set_tag(run_id, "nbtrack.found", found_tag)
    window.show(f"#/runs/{run_id}")
    found = page.locator(".nbt-found")
    found.wait_for()
    items = found.locator(".nbt-found-item")
    assert items.all_inner_texts() == ["depth = 3×", "width = 4×"]
    found.get_by_role("button", name="Leave out the param depth").click()
    page.get_by_role("term").filter(has_text="depth").wait_for(state="detached")
    assert items.all_inner_texts() == ["width = 4×"]


def test_a_run_is_renamed_and_deleted_and_comes_back(window: Window) -> None:
    page = window.page
    window.experiment("letters")
    window.wait_for_runs(["other"])
    window.table.cell(0, "run_name").hover()
    window.table.cell(0, "run_name").get_by_role("link").click()
    page.locator(".nbt-details-name", has_text="other").wait_for()
    page.get_by_role("button", name="More about this run").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("another")
    page.keyboard.press("Enter")
    page.locator(".nbt-details-name", has_text="another").wait_for()
    page.get_by_role("button", name="More about this run").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    page.locator(".notice", has_text="Restored").wait_for()


def test_models_lead_to_versions_and_runs(window: Window) -> None:
    page = window.page
    page.locator(".nav-link", has_text="Models").click()
    row = page.get_by_role("row", name=re.compile("digits-net"))
    row.get_by_text("@champion").wait_for()
    row.get_by_role("link", name="digits-net").click()
    page.get_by_role("table", name="Versions of digits-net").get_by_role("link", name="v1").click()
    page.locator(".nbt-details-name", has_text="digits-net v1").wait_for()
    page.get_by_text("models:/digits-net/1", exact=True).wait_for()
    page.locator(".nbt-lineage").get_by_role("button", name="baseline").click()
    page.locator(".nbt-details-name", has_text="baseline").wait_for()


def test_the_lineage_of_a_number_leads_to_its_run_and_to_models(
    window: Window, run_id: str
) -> None:
    page = window.page
    window.show(f"#/runs/{run_id}")
    page.get_by_role("button", name="Where loss comes from").click()
    lines = page.get_by_role("list", name="Where it comes from").get_by_role("listitem")
    lines.filter(has_text="Metric").get_by_role("button", name="loss").wait_for()
    page.get_by_role("button", name="Show all of the run").click()
    version = lines.filter(has_text="Version").get_by_role("button", name="digits-net v1")
    version.wait_for()
    assert lines.count() == page.locator(".nbt-lineage circle").count()
    assert serious_faults(page, ".nbt-page") == []
    version.focus()
    page.keyboard.press("Enter")
    page.locator(".nbt-details-name", has_text="digits-net v1").wait_for()


def test_what_is_logged_meanwhile_shows_up(window: Window, folder: Path) -> None:
    page = window.page
    window.experiment("digits")
    window.table.wait_for_total(3)
    process = start(LIVE, cwd=folder)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        run_id = process.stdout.readline().strip()
        window.table.wait_for_total(4)
        feed(process, 5)
        window.show(f"#/runs/{run_id}?tab=curves")
        page.wait_for_function("() => document.querySelector('main').innerText.includes('step 4')")
        feed(process, 20)
        page.wait_for_function("() => document.querySelector('main').innerText.includes('step 24')")
    finally:
        process.communicate(timeout=60)
    page.locator(".nbt-details-head", has_text="Finished").wait_for()


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("where from", "pointer"),
        ("where from", "space bar"),
        ("name in the table", "pointer"),
        ("experiment", "pointer"),
    ],
)
def test_a_click_is_not_lost_when_a_live_run_has_news(
    window: Window, folder: Path, what: str, how: str
) -> None:
    page = window.page
    process = start(LIVE, cwd=folder)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        run_id = process.stdout.readline().strip()
        feed(process, 3)
        if what == "where from":
            window.show(f"#/runs/{run_id}")
            pressed, asked = page.get_by_role("button", name="Where loss comes from"), "run.details"
            effect = page.locator(".nbt-origin", has_text="loss")
        elif what == "experiment":
            window.show("#/models")
            pressed, asked = page.locator(".nav-link[data-id]", has_text="digits"), "models.tree"
            effect = page.locator("h1", has_text="digits")
        else:
            window.experiment("digits")
            pressed, asked = page.locator(f".nbt-open[data-open='{run_id}']"), "table.rows"
            effect = page.locator(".nbt-details-name", has_text="live")
        pressed.hover()
        if how == "pointer":
            page.mouse.down()
        else:
            pressed.focus()
            page.keyboard.down(" ")
        with page.expect_response(lambda said: f'"{asked}"' in (said.request.post_data or "")):
            feed(process, 5)
        page.wait_for_timeout(1500)  # it is drawn
        if how == "pointer":
            page.mouse.up()
        else:
            page.keyboard.up(" ")
        effect.wait_for()
    finally:
        process.communicate(timeout=60)


def feed(process: subprocess.Popen[str], points: int) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{points}\n")
    process.stdin.flush()
    process.stdout.readline()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed")
def test_the_dark_theme_is_the_systems_and_can_be_chosen(browser: Browser, ui: Ui) -> None:
    window = Window(browser, ui, "dark")
    page = window.page
    background = "() => getComputedStyle(document.body).backgroundColor"
    page.locator(".ag-row").first.wait_for()
    assert page.evaluate(background) == "rgb(20, 24, 30)"
    assert serious_faults(page, "body") == []
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.reload()
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    window.close()


def test_an_unknown_address_leads_back(window: Window) -> None:
    window.show("#/what/is/this")
    window.page.get_by_role("link", name="All runs").last.click()
    window.page.locator("h1", has_text="All runs").wait_for()


def test_who_comes_without_the_token_is_asked_for_it(
    browser: Browser, ui: Ui, tmp_path: Path
) -> None:
    token = "only-for-this-test"
    guarded = Ui(tmp_path, "--uri", str(ui.folder / "shown.duckdb"), "--token", token)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(guarded.url)
        page.get_by_label("Token").fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_text("That is not the token").wait_for()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".ag-row").first.wait_for()
    assert guarded.interrupt() == 0


def test_a_click_on_a_heading_keeps_no_column_from_coming_later(
    window: Window, folder: Path
) -> None:
    client = Client(str(folder / "shown.duckdb"))
    experiment_id = client.create_experiment("later")

    def log(name: str, **params: object) -> str:
        run_id = client.create_run(experiment_id, run_name=name).info.run_id
        client.log_batch(run_id, params=[Param(key, str(v)) for key, v in params.items()])
        client.set_terminated(run_id)
        return run_id

    ids = [log(name, epochs=5) for name in ("first", "second")]
    window.show(f"#/runs?experiments={experiment_id}")
    window.table.heading("run_name").click()
    window.wait_for_runs(["first", "second"])
    window.table.root.locator("summary", has_text="Columns").click()
    window.page.get_by_role("checkbox", name="Duration").click()
    window.page.keyboard.press("Escape")
    window.show("#/models")  # what was changed is written at once
    window.page.locator("h1", has_text="Models").wait_for()
    for run_id, lr in zip(ids, (0.1, 0.2), strict=True):
        client.log_param(run_id, "lr", lr)
    window.show(f"#/runs?experiments={experiment_id}")
    window.table.wait_for("params.lr", ["0.1", "0.2"])
    window.wait_for_runs(["first", "second"])
    assert window.table.heading("duration").count() == 0
    window.show(f"#/compare?runs={','.join(ids)}")
    window.table.wait_for("params.lr", ["0.1", "0.2"])


def test_plots_say_why_there_is_no_curve_and_cut_no_label(window: Window, folder: Path) -> None:
    client = Client(str(folder / "shown.duckdb"))
    run_id = client.create_run(client.create_experiment("odd")).info.run_id
    values = {
        "loss": lambda i: math.nan,
        "far": lambda i: -1234567.5 + i / 1000,
        "system/cpu_utilization_percentage": float,
    }
    points = [Metric(key, of(i), i, i) for key, of in values.items() for i in range(5)]
    client.log_batch(run_id, metrics=points)
    client.set_terminated(run_id)
    page = window.page
    page.set_viewport_size({"width": 900, "height": 900})
    window.show(f"#/runs/{run_id}")
    machine = page.get_by_role("table", name="System metrics")
    assert machine.is_hidden()
    page.locator("summary", has_text="System metrics (1)").click()
    machine.wait_for()
    page.get_by_role("tab", name="Curves").click()
    page.get_by_text("All 5 values are NaN").wait_for()
    plot = page.locator(".nbt-panel", has_text="far").locator(".nbt-plotbox")
    box = plot.bounding_box()
    labels = plot.locator(".ytick text")
    assert len(set(labels.all_text_contents())) == labels.count() >= 3
    assert min(each["x"] for each in boxes(labels)) >= box["x"]
    assert page.locator(".nbt-system .nbt-fold").get_attribute("aria-expanded") == "false"


def boxes(found: Locator) -> list[Any]:
    """Return where some elements are."""
    boxes: list[Any] = found.evaluate_all("all => all.map(e => e.getBoundingClientRect().toJSON())")
    return boxes


def test_a_filter_that_fits_nothing_or_is_wrong_is_all_that_is_said(window: Window) -> None:
    page, table = window.page, window.table
    window.experiment("keys")
    table.wait_for_total(2)
    table.cell(0, "select").click()
    foot = table.root.locator(".nbt-tablefoot")
    foot.get_by_text("1 of 2 runs selected").wait_for()
    table.filter("nothing-has-this")
    foot.get_by_text("0 runs, 1 selected is not shown").wait_for()
    assert foot.get_by_role("button").all_inner_texts() == ["Clear the selection"]
    none = page.get_by_text("No run fits this filter.")
    assert none.is_visible()
    table.filter("metrics.loss <")
    page.get_by_role("alert").filter(has_text="a value is expected").wait_for()
    assert none.is_hidden()
    assert not any(each.is_visible() for each in table.root.locator(".nbt-loading").all())
    assert foot.inner_text().strip() == ""
    table.filter("")
    foot.get_by_text("1 of 2 runs selected").wait_for()
    assert foot.get_by_role("button", name="Delete").is_visible()
    assert page.get_by_role("button", name="Active runs").is_visible()
    window.problems.clear()  # the browser speaks of an answer 400


def test_a_filter_in_the_middle_of_typing_is_no_error_yet(window: Window) -> None:
    page, table = window.page, window.table
    window.experiment("letters")
    table.wait_for_total(1)
    field = page.get_by_role("searchbox", name="Filter the runs")
    alert = table.root.get_by_role("alert")
    for text in ("metrics.", "params.depth <", "params.depth > 1 and", "params.depth > 1 and metr"):
        field.fill(text)
        page.get_by_role("status").get_by_text("not finished").wait_for()
        assert alert.is_hidden()
        assert table.root.get_attribute("data-total") == "1"
        field.fill("")
        page.get_by_role("status").get_by_text("not finished").wait_for(state="hidden")
    field.fill("depth < 2")  # nothing mends that
    alert.get_by_text("Did you mean params.depth?").wait_for()
    field.fill("params.depth <")
    alert.wait_for(state="hidden")
    page.locator("h1").click()
    alert.get_by_text("a number is expected").wait_for()  # the field is left
    field.fill("params.depth > 6")
    table.wait_for_total(0)
    page.get_by_role("link", name="Models").first.click()
    find = page.get_by_role("searchbox", name="Filter the models")
    rows = page.get_by_role("table", name="Models").get_by_role("row")
    rows.nth(1).wait_for()
    find.fill("metrics.accuracy >")
    page.get_by_role("status").get_by_text("not finished").wait_for()
    assert (rows.count(), page.get_by_role("alert").count()) == (2, 0)
    find.press("Enter")
    page.get_by_role("alert").get_by_text("a value is expected").wait_for()
    find.fill("metrics.accuracy > 0.5")
    page.get_by_role("alert").wait_for(state="hidden")
    rows.nth(1).wait_for()
    window.problems.clear()  # the browser speaks of an answer 400


def test_what_cannot_be_read_now_says_so_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    client = Client(str(tmp_path / "shown.duckdb"))
    runs = [client.create_run("0", run_name=name).info.run_id for name in ("first", "second")]
    client.log_metric(runs[0], "loss", 1.0)
    nothing = client.create_experiment("nothing here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ui = Ui(tmp_path, "--port", port)
    shown = {  # what says that it is there
        f"#/experiments/{nothing}": "No runs here yet",
        "#/runs": "2 runs",
        f"#/runs/{runs[0]}": "Where from",
        f"#/compare?runs={runs[0]},{runs[1]}": "2 of 2 runs selected",
        "#/models": "No model is registered yet",
    }
    windows = [Window(browser, ui) for _ in shown]
    for window, (address, there) in zip(windows, shown.items(), strict=True):
        window.show(address)
        window.page.locator("main").get_by_text(there).first.wait_for()
    ui.interrupt()
    for window in windows:
        main = window.page.locator("main")
        main.get_by_role("alert").get_by_text("does not answer").first.wait_for()
        nothing_there = main.get_by_text(re.compile("^0 runs|No runs here yet|No model is reg"))
        assert not any(each.is_visible() for each in nothing_there.all())
    ui = Ui(tmp_path, "--port", port)
    for window, there in zip(windows, shown.values(), strict=True):
        main = window.page.locator("main")
        main.get_by_role("alert").first.wait_for(state="hidden")
        main.get_by_text(there).first.wait_for()
        window.problems.clear()  # the browser speaks of a server that is not there
        window.close()
    ui.interrupt()


def test_a_run_that_is_not_there_is_said_to_be_missing(window: Window) -> None:
    window.show(f"#/runs/{'0' * 32}")
    window.page.get_by_role("heading", name="This is not in the store").wait_for()
    window.problems.clear()  # the browser speaks of an answer 404


def test_pinned_columns_leave_room_for_metrics(window: Window) -> None:
    page, table = window.page, window.table
    page.set_viewport_size({"width": 900, "height": 800})
    window.experiment("digits")
    table.heading("metrics.accuracy").wait_for()
    room = table.grid.bounding_box()["width"]
    table.cell(0, "run_name").locator(".nbt-nametext").wait_for()
    (name,) = boxes(table.cell(0, "run_name"))
    assert 110 <= name["width"] <= 0.3 * room
    assert boxes(table.heading("metrics.accuracy"))[0]["right"] < page.viewport_size["width"]


def test_long_names_leave_room_for_values(window: Window, folder: Path) -> None:
    page = window.page
    page.set_viewport_size({"width": 900, "height": 800})
    long = "a-name-of-many-letters_" * 9
    client = Client(folder / "shown.duckdb")
    run = client.create_run(client.create_experiment("edges"), run_name="edges")
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(long, 0.5, 1, 1), Metric("huge", 1.7e308, 1, 1)],
        params=[Param(long, "seen" * 100), Param("lr", "0.125")],
    )
    window.show(f"#/runs/{run.info.run_id}")
    page.locator("dd", has_text="seenseen").wait_for()
    inside = boxes(page.locator(".nbt-overview"))[0]["right"]
    for cell in (page.get_by_role("cell", name="0.5", exact=True).first, page.locator("dd")):
        assert all(box["width"] > 0 and box["right"] <= inside + 1 for box in boxes(cell))
    page.get_by_role("tab", name="Params").click()
    page.locator("td", has_text="seenseen").wait_for()
    assert max(box["right"] for box in boxes(page.locator("td"))) <= inside + 1


def test_what_has_nothing_to_compare_takes_no_room(window: Window, folder: Path) -> None:
    page = window.page
    client = Client(folder / "shown.duckdb")
    experiment = client.create_experiment("nothing")
    ids = [client.create_run(experiment, run_name=f"bare-{i}").info.run_id for i in range(2)]
    window.show(f"#/compare?runs={','.join(ids)}")
    notes = page.get_by_text("These runs have no params and no metrics.")
    notes.nth(1).wait_for()
    page.locator("[data-section=curves][data-settled]").wait_for()
    page.locator("[data-section=importance][data-settled]").wait_for()
    assert page.get_by_text("2 of 2 runs selected").count() == 1
    parts = page.locator(".nbt-cmp-part:not([hidden]):not([data-section=diff])")
    assert max(box["height"] for box in boxes(parts)) < 120


def test_rows_have_their_line_up_to_the_edge(window: Window) -> None:
    page, table = window.page, window.table
    page.set_viewport_size({"width": 2000, "height": 800})
    window.experiment("letters")
    table.wait_for_total(1)
    table.cell(0, "run_name").locator(".nbt-nametext").wait_for()
    row = table.root.locator(".ag-row").first
    look = "row => ['width', 'borderBottomWidth'].map(x => getComputedStyle(row, '::after')[x])"
    wide, line = row.evaluate(look)
    cells = boxes(row.locator(".ag-cell"))
    edge = max(cell["right"] for cell in cells) + float(wide.removesuffix("px"))
    assert edge == pytest.approx(boxes(table.grid)[0]["right"], abs=3)
    assert line == "1px"
