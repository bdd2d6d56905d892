"""What a project says of itself in several places is the same in all of them."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import nbtrack
from source_tree import JS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
THIS = "tests/test_project.py"
KINDS = ["Security", "Changed", "Deprecated", "Removed", "Fixed", "Added"]
COPIED = ["pyproject.toml", "README.md", "CHANGELOG.md", "src/nbtrack/__init__.py"]


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    import dev_release

    return dev_release


@pytest.fixture
def checkout(release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with the files that name version or address."""
    packages = [path.relative_to(ROOT).as_posix() for path in package_files()]
    for name in (*COPIED, *packages, "js/package-lock.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    return tmp_path


def package_files() -> list[Path]:
    root = json.loads((JS / "package.json").read_text("utf-8"))
    return [JS / "package.json", *(JS / name / "package.json" for name in root["workspaces"])]


def tracked_texts() -> dict[str, str]:
    listed = subprocess.run(["git", "grep", "-Ilz", ""], cwd=ROOT, capture_output=True, check=True)
    names = filter(None, listed.stdout.decode().split("\0"))
    return {name: (ROOT / name).read_text("utf-8") for name in names if (ROOT / name).is_file()}


def test_the_front_end_has_the_version_of_the_package(release: ModuleType) -> None:
    wanted = release.npm_version(nbtrack.__version__)
    packages = [json.loads(path.read_text("utf-8")) for path in package_files()]
    lock = json.loads((JS / "package-lock.json").read_text("utf-8"))
    packages += [lock, *(lock["packages"][path.parent.name] for path in package_files()[1:])]
    assert {package["version"] for package in packages} == {wanted}
    needed = [package.get(kind, {}) for package in packages for kind in
              ("dependencies", "devDependencies")]  # fmt: skip
    ours = {v for each in needed for name, v in each.items() if name.startswith("@nbtrack/")}
    assert ours == {wanted}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout")
def test_every_file_names_the_address_of_the_project(release: ModuleType) -> None:
    wanted = release.places(PROJECT["urls"]["Repository"])
    name = re.escape(wanted["repository"].rsplit("/", 1)[1])
    forms = {
        "repository": rf"(?<![\w.])github\.com/[\w-]+/{name}(?![\w-])",
        "binder": r"mybinder\.org/v2/gh/[\w-]+/[\w-]+",
        "pages": rf"[\w-]+\.github\.io/{name}(?![\w-])",
    }
    texts = {name: text for name, text in tracked_texts().items() if name != THIS}
    for kind, form in forms.items():
        named = {name: set(re.findall(form, text)) for name, text in texts.items()}
        others = {name: found - {wanted[kind]} for name, found in named.items()}
        assert any(named.values()), kind
        assert {name: found for name, found in others.items() if found} == {}


def test_a_new_address_is_written_into_all_files(release: ModuleType, checkout: Path) -> None:
    similar = f"see {release.address()}-other/x"
    (checkout / "page.md").write_text(similar, "utf-8")
    release.set_address("https://github.com/some-lab/runs")
    assert release.address() == "https://github.com/some-lab/runs"
    readme = (checkout / "README.md").read_text("utf-8")
    assert "https://mybinder.org/v2/gh/some-lab/runs/HEAD?urlpath=" in readme
    urls = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
    assert urls["Documentation"] == "https://some-lab.github.io/runs/"
    assert (checkout / "page.md").read_text("utf-8") == similar
    with pytest.raises(release.StepError, match="no address such as"):
        release.set_address("https://example.org/runs")


def test_a_new_version_is_written_into_all_files(release: ModuleType, checkout: Path) -> None:
    release.set_version("1.2.0rc1")
    assert release.version() == "1.2.0rc1"
    lab = json.loads((checkout / "js/lab/package.json").read_text("utf-8"))
    assert (lab["version"], lab["devDependencies"]["@nbtrack/shared"]) == ("1.2.0-rc.1",) * 2
    before = json.loads((JS / "package-lock.json").read_text("utf-8"))["packages"]
    after = json.loads((checkout / "js/package-lock.json").read_text("utf-8"))["packages"]
    assert {name for name in before if before[name] != after[name]} == {
        *("", "lab", "page", "shared", "widgets"),
    }
    assert re.search(r"## \[Unreleased\]\n\n## \[1.2.0rc1\] - 20\d\d-\d\d-\d\d\n",
                     (checkout / "CHANGELOG.md").read_text("utf-8"))  # fmt: skip
    with pytest.raises(release.StepError, match="no version such as"):
        release.set_version("next")


def test_a_release_needs_version_address_and_notes(release: ModuleType, checkout: Path) -> None:
    release.set_address("https://github.com/OWNER/nbtrack")
    with pytest.raises(release.StepError) as raised:
        release.release_notes("v9.9.9")
    said = str(raised.value)
    assert "the tag v9.9.9 is not v" in said
    assert "the address is not set" in said
    assert "CHANGELOG.md says nothing below ## [9.9.9]" in said
    release.set_address("https://github.com/some-lab/nbtrack")
    release.set_version("9.9.9")
    assert release.release_notes("v9.9.9").endswith(
        (checkout / "CHANGELOG.md").read_text("utf-8").strip().splitlines()[-1]
    )


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
    releases = [line for line in lines if line.startswith("## ")]
    assert releases[0] == "## [Unreleased]"
    assert all(re.fullmatch(r"## \[\S+\] - \d{4}-\d\d-\d\d", line) for line in releases[1:])
    part: list[str] = []
    for line in lines[lines.index(releases[0]) :]:
        if line.startswith("## "):
            part = []
        elif line.startswith("#"):
            part.append(line.removeprefix("### "))
            assert part[-1] in KINDS, line
            assert len(part) == len(set(part)), f"twice in one release: {line}"
        elif line.startswith("- "):
            assert part, f"below no heading: {line}"


def test_pypi_shows_a_readme_whose_links_lead_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hatchling", reason="needs the tool that builds the package")
    monkeypatch.syspath_prepend(ROOT)
    from hatch_build import ReadmeHook

    shown = {"urls": PROJECT["urls"]}
    ReadmeHook(str(ROOT), {}).update(shown)
    links = re.findall(r"\]\(([^)]+)\)", shown["readme"]["text"])
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []
    assert any(link.startswith("https://raw.githubusercontent.com/") for link in links)


def test_the_core_stays_small() -> None:
    assert len(PROJECT["dependencies"]) <= 16
