"""The catalogue of the zoo: `zoo/CATALOGUE.md`, made from configurations and cards."""

from __future__ import annotations

import pathlib

from zoo.cards import card
from zoo.citations import cite
from zoo.registry import config, names

__all__ = ["CATALOGUE", "catalogue_text", "thumbnail_path"]

_FOLDER = pathlib.Path(__file__).parent
CATALOGUE = _FOLDER / "CATALOGUE.md"

_HEAD = """# The zoo's entries

Made by `make catalogue` from the entries' configurations and cards: change those, not this page. Entries with
weights have a section below; `zoo.load(NAME)` loads them, and
`python -m launch.PROGRAM --entry=NAME --output_dir=DIR` runs any."""


def thumbnail_path(name: str) -> pathlib.Path:
    """Where the picture of an entry's latent space is, if it has one."""
    return _FOLDER / "thumbnails" / f"{config(name).name}.png"


def catalogue_text() -> str:
    """The catalogue as Markdown: a table of all entries, the cards of those with weights, and what to cite."""
    lines = ["| entry | what | program | weights |", "| --- | --- | --- | --- |"]
    sections: list[str] = []
    papers: dict[str, str] = {}
    for name in names():
        entry, known = config(name), card(name)
        if entry.paper:
            papers.setdefault(cite(name), name)
        shown = f"[`{name}`](#{_anchor(name)})" if known else f"`{name}`"
        lines.append(f"| {shown} | {entry.summary} | {entry.program} | {'yes' if known else 'no'} |")
        if known is not None:
            sections.append(_section(name, str(known)))
    cited = "\n\n".join(f"```bibtex\n{text}\n```" for text in papers)
    return "\n\n".join([_HEAD, "\n".join(lines), *sections, "## What to cite", cited]) + "\n"


def _section(name: str, text: str) -> str:
    """A card one level down, with the entry's picture."""
    head, _, rest = text.partition("\n\n")
    picture = thumbnail_path(name)
    shown = f"![latent space of {name}]({picture.relative_to(_FOLDER).as_posix()})\n\n" if picture.exists() else ""
    return f"#{head}\n\n{shown}{rest}"


def _anchor(name: str) -> str:
    """What Markdown's renderers call a heading that is this name."""
    return "".join(letter for letter in name.lower() if letter.isalnum() or letter in "-_")
