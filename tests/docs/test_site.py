"""The site is built without a warning, its links lead somewhere, and its reference has every public name."""

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import zoo
from tests.docs.snippets import load_script
from zoo.catalogue import thumbnail_path

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = {
    path.stem: re.search(r"^::: ([\w.]+)$", path.read_text(encoding="utf-8"), re.M)[1]
    for path in sorted((ROOT / "docs" / "reference").glob("*.md"))
}

SHOWN = "yang2018/two_moons"
GALLERY = load_script("gallery")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    # One small explorer: its making is what `tests/explorer` is about.
    gallery = {"TFGEO_GALLERY_ENTRIES": SHOWN, "TFGEO_GALLERY_RESOLUTION": "16"}
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | gallery
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.mark.parametrize("page", PACKAGES)
def test_every_public_name_is_in_the_reference(site, page):
    text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
    # Of packages, modules and their functions; methods of classes lie deeper.
    anchors = {anchor.split(".")[-1] for anchor in re.findall(r'id="([\w.]+)"', text) if anchor.count(".") < 4}
    missing = [name for name in importlib.import_module(PACKAGES[page]).__all__ if name not in anchors]
    assert not missing, f"docs/reference/{page}.md lacks {missing}; add a line '::: {PACKAGES[page]}.MODULE.NAME'"


def test_packages_have_a_page():
    import tfgeo

    assert {*tfgeo.__all__, "startup", "zoo"} - {"likelihood", "quiet"} <= set(PACKAGES)


def test_pages_fetch_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text("utf-8"))
        assert not [address for address in fetched if "canonical" not in address], page


def test_links_between_pages_lead_somewhere(site):
    for page in site.rglob("*.html"):
        for link in re.findall(
            r'<(?:a|img)[^>]+(?:href|src)="([^"#:]+\.(?:html|png|jpg|ipynb))', page.read_text("utf-8")
        ):
            assert (page.parent / link).resolve().exists() or link.startswith("/"), (page, link)


def test_links_of_notebooks_lead_somewhere(site):
    notebooks = sorted((site / "notebooks").glob("*.ipynb"))
    assert len(notebooks) == 3
    for path in notebooks:
        assert f"notebooks/{path.name}" in (site / "how-to" / f"{path.stem}.html").read_text("utf-8")
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        links = re.findall(r"\]\(([^)#:]+)\)", text)
        assert all((path.parent / link).resolve().exists() for link in links), (path, links)


def test_the_gallery_shows_entries_that_need_neither_data_nor_training(site):
    page = (site / "gallery.html").read_text("utf-8")
    assert f'href="gallery/{SHOWN}.html"' in page and f'src="gallery/{SHOWN}.png"' in page
    assert "window.explorer" in (site / "gallery" / f"{SHOWN}.html").read_text("utf-8")
    for name in GALLERY.ENTRIES:
        assert zoo.card(name) is not None and thumbnail_path(name).exists()
        assert zoo.config(name).data.name in ("two_moons", "anisotropic", "circles_rings")
