"""The gallery of the documentation's site: static explorer pages of shipped entries, made while the site is built.

They are not committed: a page is megabytes, and follows the code that makes it. Pages are kept in build/gallery for
the next build, until the code or the weights change.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import sys
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = pathlib.Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "gallery"
# What is shown: weights are in the zoo and the data are drawn, so that a build needs neither files nor a network.
ENTRIES = (
    "chadebec2020/rhvae_circles_rings",
    "gimli2018/two_moons",
    "yang2018/anisotropic",
    "yang2018/two_moons",
)
PLACE = "<!-- entries -->"


def on_files(files: Files, config: Any) -> Files:
    """Adds each entry's explorer page and thumbnail to the files of the site."""
    sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]  # the console script does not look here
    from zoo.catalogue import thumbnail_path

    for name in _entries(config):
        page = make_page(name, int(config.extra["gallery"]["resolution"]))
        files.append(File.generated(config, f"gallery/{name}.html", abs_src_path=str(page)))
        files.append(File.generated(config, f"gallery/{name}.png", abs_src_path=str(thumbnail_path(name))))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Lists the entries on the page that has a place for them."""
    if PLACE not in markdown:
        return markdown
    return markdown.replace(PLACE, "\n\n".join(_section(name, files) for name in _entries(config)))


def make_page(name: str, resolution: int) -> pathlib.Path:
    """The static explorer of an entry with tables of so many nodes along each axis; one that was made before."""
    path = KEPT / f"{name.replace('/', '_')}_{resolution}_{_fingerprint(name)}.html"
    if path.exists():
        return path
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    import zoo
    from launch.experiments.exploration import entry_scene
    from tfgeo.explorer import write_page

    tf.get_logger().setLevel("ERROR")  # several decoders are no function that is traced again and again
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f"{name.replace('/', '_')}_{resolution}_*.html"):
        stale.unlink()
    entry = zoo.load(name)
    return write_page(entry_scene(entry, entry.dataset()), path, resolution)


def _entries(config: Any) -> list[str]:
    """All, or those that the environment names: tests build one page."""
    chosen = config.extra["gallery"]["entries"]
    if chosen:
        import zoo
        from tfgeo.errors import UserError

        for name in chosen.split():
            if zoo.card(name) is None:
                raise UserError(f"TFGEO_GALLERY_ENTRIES names {name}, which ships no weights; leave it out")
    return chosen.split() if chosen else list(ENTRIES)


def _section(name: str, files: Files) -> str:
    import zoo

    file = files.get_file_from_path(f"gallery/{name}.html")
    assert file is not None and file.abs_src_path is not None
    size = pathlib.Path(file.abs_src_path).stat().st_size / 1e6
    page, config = f"gallery/{name}.html", zoo.config(name)
    return (
        f"## {name}\n\n{config.summary[0].upper()}{config.summary[1:]} ({config.reference}). "
        f"[Open the explorer]({page}), {size:.1f} MB.\n\n"
        f"[![The latent plane of {name}](gallery/{name}.png)]({page})"
    )


def _fingerprint(name: str) -> str:
    """Of all that a page is made of: the code, its own weights, and the page's scripts."""
    sources = [path for wing in ("tfgeo", "zoo", "launch") for path in (ROOT / wing).rglob("*.py")]
    sources += (ROOT / "tfgeo" / "explorer" / "web").iterdir()
    sources.append(ROOT / "zoo" / "weights" / f"{name}.json")  # it has the checksum of the weights
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
