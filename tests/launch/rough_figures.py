"""Programs of tests draw their figures roughly: small, without a layout, and PDFs without what they would show.

Laying a figure out and drawing it twice for print takes matplotlib a second, a third of what a small program takes.
What is drawn into a figure, by which name it is saved and where are the programs' own all the same, and whatever
cannot be drawn fails. `drawing(WHOLE)` draws as programs do, once in `test_cluster.py`, and `make test-all` always.
"""

import contextlib
import pathlib

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DOTS_PER_INCH = 50
WHOLE = {name: getattr(Figure, name) for name in ("savefig", "draw_without_rendering")}


def save_roughly(figure, path, dpi, metadata):
    """In place of `Figure.savefig`, as `tfgeo.plots.save` calls it."""
    if pathlib.Path(path).suffix == ".pdf":
        pathlib.Path(path).write_bytes(b"%PDF-")
        return
    figure.set_dpi(DOTS_PER_INCH)
    FigureCanvasAgg(figure).print_png(path, metadata=metadata)


ROUGH = {"savefig": save_roughly, "draw_without_rendering": lambda figure: None}


@contextlib.contextmanager
def drawing(functions):
    before = {name: getattr(Figure, name) for name in functions}
    try:
        for name, function in functions.items():
            setattr(Figure, name, function)
        yield
    finally:
        for name, function in before.items():
            setattr(Figure, name, function)
