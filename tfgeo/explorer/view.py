"""What a served explorer draws: the map with its curves, speeds, strips of pictures, and their words, by Bokeh."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import Button as BokehButton
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    CustomJSTickFormatter,
    Div,
    FixedTicker,
    HoverTool,
    Legend,
    LinearColorMapper,
    Range1d,
    Select,
)
from bokeh.plotting import figure
from bokeh.plotting.contour import contour_data

from tfgeo.explorer.answers import SOLVERS, Answer
from tfgeo.explorer.levels import label_places, round_levels
from tfgeo.explorer.pictures import STRIP_PICTURES, Pictures
from tfgeo.explorer.scene import FIELD_LABEL, Scene, SceneMetric

__all__ = ["View"]

# Pixels of the map, and shares of the field beyond which colours no longer change.
MAP_WIDTH = 700
CLIPPED = (0.5, 99.5)
NUM_LINES = 14
MARKERS = ("circle", "triangle", "square", "diamond", "inverted_triangle", "plus")
_WHITE, _INK, _GREY = "#ffffff", "#1b1f24", "#59636e"


class View:
    """What one browser sees. It computes what codes decode to; what else is drawn is told by its methods.

    Args:
      scene: what is shown.
      pictures: of the scene.
      ends: `[2, 2]` the two ends, to begin with.

    Attributes:
      ends: Bokeh's source of the ends, which the browser moves; its tags hold the end that is held, -1 for none.
      map: the plot of the latent plane, to which events of the pointer belong.
      metric_choice: the choice of the metric, by its key.
      solver_choice: the choice of the solver.
      clear: the button that removes lines of equal distance.
      root: all of it, for the document.
    """

    def __init__(self, scene: Scene, pictures: Pictures, ends: np.ndarray) -> None:
        self.scene, self.pictures = scene, pictures
        self.ends = ColumnDataSource(
            {"x": ends[:, 0].tolist(), "y": ends[:, 1].tolist(), "n": ["A", "B"]}, name="ends", tags=[-1]
        )
        self._curve = ColumnDataSource({"x": [], "y": []}, name="curve")
        self._line = ColumnDataSource({"x": [], "y": []})
        self._speeds = {name: ColumnDataSource({"t": [], "v": []}) for name in ("geodesic", "straight")}
        self._field = ColumnDataSource({"image": [np.zeros([2, 2])]})
        self._labels = ColumnDataSource({"x": [], "y": [], "text": []})
        self._star = ColumnDataSource({"x": [], "y": []}, name="star")
        self._strip = ColumnDataSource({"image": []})
        self._pointed = ColumnDataSource({"image": []})
        self._lengths, self._note, self._text = Div(), Div(width=400), Div(width=400)
        self.metric_choice = Select(
            title="Metric",
            value=scene.metrics[0].key,
            options=[(metric.key, metric.name) for metric in scene.metrics],
            width=190,
        )
        self.solver_choice = Select(title="Geodesic by", value="table", options=list(SOLVERS.items()), width=250)
        self.clear = BokehButton(label="Clear the lines", width=120)
        self.map = self._make_map()
        self.root = self._lay_out()

    def show_field(self, metric: SceneMetric, field: np.ndarray | None) -> None:
        """Words of a metric, and log10 of its volume `[r, r]`, or None for straight lines."""
        self._text.text = f"<span style='color:{_GREY}'>{html.escape(metric.text)}</span>"
        self._speed_plot.yaxis.axis_label = f"{metric.unit} per unit of t"
        self._image.visible = self._bar.visible = field is not None
        if field is not None:
            low, high = np.percentile(field, CLIPPED)
            self._mapper.update(low=float(low), high=float(max(high, low + 1e-6)))
            self._field.data = {"image": [field]}
        self.map.title.text = "" if field is None else FIELD_LABEL.format(unit=metric.unit.removesuffix("s"))

    def show_curves(self, geodesic: Answer, straight: Answer, unit: str) -> None:
        """The geodesic and the straight line, with lengths in a unit, speeds and strips."""
        unit = html.escape(unit)
        for source, answer in ((self._curve, geodesic), (self._line, straight)):
            source.data = {"x": answer.points[:, 0], "y": answer.points[:, 1]}
        for name, answer in (("geodesic", geodesic), ("straight", straight)):
            middles = (np.arange(len(answer.speeds)) + 0.5) / len(answer.speeds)
            self._speeds[name].data = {"t": middles, "v": answer.speeds}
        ratio = straight.length / geodesic.length if geodesic.length > 0.0 else 1.0
        verdict = "as short" if ratio < 1.0005 else f"{ratio:.3g} times as long"
        self._lengths.text = (
            f"<table style='border-spacing:0'><tr><td>geodesic</td><td style='padding-left:1em'>"
            f"{geodesic.length:.4g} {unit}</td></tr><tr><td>straight line</td><td style='padding-left:1em'>"
            f"{straight.length:.4g} {unit}</td></tr></table><b>The straight line is {verdict}.</b>"
        )
        seconds = f", in {1000.0 * geodesic.seconds:.0f} ms" if geodesic.seconds else ""
        self._note.text = f"<span style='color:{_GREY}'>geodesic: {html.escape(geodesic.note)}{seconds}</span>"
        self._strip.data = {"image": [self.pictures.strip([geodesic.points, straight.points])]}

    def show_problem(self, problem: Exception) -> None:
        """Why there is no geodesic."""
        self._note.text = f"<b>{html.escape(str(problem))}</b>"

    def show_distances(self, source: np.ndarray, first: np.ndarray, second: np.ndarray, found: np.ndarray) -> None:
        """Lines of equal distance from a point `[2]`: both axes `[r]` of a grid, and its distances `[r, r]`."""
        self._contours.visible = True
        levels = round_levels(float(found.max()), NUM_LINES)
        data = contour_data(first, second, found, levels, want_fill=False)
        self._contours.set_data(data)
        self._labels.data = label_places(data.line_data, levels)
        self._star.data = {"x": [source[0]], "y": [source[1]]}

    def hide_distances(self) -> None:
        """No lines of equal distance."""
        self._contours.visible = False
        self._labels.data, self._star.data = {"x": [], "y": [], "text": []}, {"x": [], "y": []}

    def show_decoded(self, place: np.ndarray) -> None:
        """What a place `[2]` decodes to, where it is on the map."""
        low, high = self.scene.bounds.T
        if np.all((place >= low) & (place <= high)):
            decoded = np.asarray(self.scene.decode(place[None].astype(np.float32)))
            self._pointed.data = {"image": [self.pictures.image(decoded[0])]}

    def _lay_out(self) -> Any:
        scene = self.scene
        heading = Div(
            text=f"<h1 style='margin:0;font-size:1.35rem'>{html.escape(scene.title)}</h1>"
            f"<p style='margin:.1rem 0 .3rem;color:{_GREY};max-width:70rem'>{html.escape(scene.summary)}</p>"
        )
        hint = Div(
            text="<b>Drag A or B.</b> Click anywhere else for lines of equal distance from there.",
            styles={"color": _GREY},
        )
        side = column(
            row(self.metric_choice, self.solver_choice),
            self._text,
            self._lengths,
            self._make_speeds(),
            row(self._make_pointed(), column(self.clear)),
            self._note,
        )
        return column(heading, row(column(self.map, hint), side), self._make_strips(), margin=(14, 20, 20, 22))

    def _make_map(self) -> Any:
        (low0, high0), (low1, high1) = self.scene.bounds
        height = round(min(MAP_WIDTH * (high1 - low1) / (high0 - low0), 640))
        # Both axes have one scale: the colour bar takes its room beside them.
        plot = figure(
            width=MAP_WIDTH + 150, height=height + 60, x_range=Range1d(low0, high0), y_range=Range1d(low1, high1),
            x_axis_label=self.scene.axes[0], y_axis_label=self.scene.axes[1], tools="wheel_zoom,reset,save",
            match_aspect=True, background_fill_color="#eef1f4", toolbar_location="above", name="map",
        )  # fmt: skip
        plot.grid.visible = False
        plot.title.text_font_style = plot.axis.axis_label_text_font_style = "normal"
        self._mapper = LinearColorMapper(palette="Viridis256", low=0.0, high=1.0)
        self._image = plot.image(
            "image", x=low0, y=low1, dw=high0 - low0, dh=high1 - low1, source=self._field, color_mapper=self._mapper
        )
        self._bar = ColorBar(color_mapper=self._mapper, width=14, padding=8)
        plot.add_layout(self._bar, "right")
        codes = self._draw_codes(plot)
        first, second = np.linspace(low0, high0, 2), np.linspace(low1, high1, 2)
        self._contours = plot.contour(
            first, second, np.zeros([2, 2]), levels=[1.0], line_color=_WHITE, line_width=1.2
        )
        for source, dash, width in ((self._line, [7, 6], 2), (self._curve, "solid", 3)):
            plot.line("x", "y", source=source, line_color="#000000", line_width=width + 2, line_alpha=0.85)
            plot.line("x", "y", source=source, line_color=_WHITE, line_width=width, line_dash=dash)
        for color, extra in (("#000000", {"text_outline_color": "#000000"}), (_WHITE, {})):
            plot.text(
                "x", "y", "text", source=self._labels, text_color=color, text_font_size="12px", text_align="center",
                text_baseline="middle", **extra,
            )  # fmt: skip
        plot.scatter("x", "y", source=self._star, marker="star", size=18, fill_color="#000000", line_color=_WHITE)
        plot.scatter("x", "y", source=self.ends, size=24, fill_color=_WHITE, line_color="#000000", line_width=2.5)
        plot.text(
            "x", "y", "n", source=self.ends, text_align="center", text_baseline="middle", text_font_style="bold",
            text_font_size="12px",
        )  # fmt: skip
        plot.add_tools(HoverTool(renderers=codes, tooltips=self._tooltip()))
        return plot

    def _draw_codes(self, plot: Any) -> list[Any]:
        """The codes by class, each with its pictures for the tooltip."""
        scene, shown = self.scene, self.scene.shown
        numbers, names = scene.classes
        renderers = []
        for number in np.unique(numbers[shown]):
            chosen = np.flatnonzero(numbers[shown] == number)
            name = names[number] if names else ""
            data = {
                "x": scene.latents[shown][chosen, 0],
                "y": scene.latents[shown][chosen, 1],
                "name": [name] * len(chosen),
                "sample": shown[chosen],
            }
            for kind, addresses in self.pictures.of_codes.items():
                data[kind] = [addresses[index] for index in chosen]
            renderers.append(
                plot.scatter(
                    "x", "y", source=ColumnDataSource(data), size=8, marker=MARKERS[number % len(MARKERS)],
                    fill_color=scene.colors[number], line_color=_WHITE, line_width=0.8,
                    **({"legend_label": name} if names else {}),
                )
            )  # fmt: skip
        if names:
            plot.legend.orientation = "horizontal"
            plot.legend.location = "bottom_left"
            plot.legend.background_fill_alpha = 0.85
            plot.legend.padding = plot.legend.margin = 5
        return renderers

    def _tooltip(self) -> str:
        scene = self.scene
        shape = scene.image_shape
        pictures = ""
        if shape is not None:
            size = f"height='84' width='{round(84 * shape[1] / shape[0])}' style='image-rendering:pixelated'"
            kinds = (["image"] if scene.samples is not None else []) + ["decoded"]
            pictures = " ".join(f"<img src='@{kind}' alt='{kind}' {size}>" for kind in kinds)
            pictures += "<br>" + ("left: the sample, right: decoded" if len(kinds) > 1 else "decoded")
        name = "@name, " if scene.classes[1] else ""
        return f"<div style='padding:4px'>{pictures}<br>{name}sample @sample</div>"

    def _make_speeds(self) -> Any:
        plot = figure(width=440, height=210, x_range=Range1d(0.0, 1.0), tools="", toolbar_location=None)
        plot.xaxis.axis_label = "t, place on the curve"
        plot.axis.axis_label_text_font_style = "normal"
        straight = plot.line(
            "t", "v", source=self._speeds["straight"], line_color=_INK, line_dash=[6, 4], line_width=1.6
        )
        geodesic = plot.line("t", "v", source=self._speeds["geodesic"], line_color=_INK, line_width=2.4)
        items = [("geodesic", [geodesic]), ("straight line", [straight])]
        plot.add_layout(Legend(items=items, orientation="horizontal", padding=0, border_line_color=None), "above")
        plot.y_range.start = 0.0
        self._speed_plot = plot
        return plot

    def _picture(self, width: int, height: int, source: ColumnDataSource, size: tuple[float, float]) -> Any:
        plot = figure(
            width=width, height=height, x_range=Range1d(0.0, size[0]), y_range=Range1d(0.0, size[1]), tools="",
            toolbar_location=None, min_border=0, outline_line_color="#c3cad2",
        )  # fmt: skip
        plot.grid.visible = False
        plot.axis.visible = False
        plot.image_rgba("image", x=0, y=0, dw=size[0], dh=size[1], source=source)
        return plot

    def _make_pointed(self) -> Any:
        shape = self.scene.image_shape
        aspect = 1.0 if shape is None else shape[1] / shape[0]
        plot = self._picture(round(96 * aspect), 96, self._pointed, (1.0, 1.0))
        return row(plot, Div(text="decoded<br>at the pointer", styles={"color": _GREY}))

    def _make_strips(self) -> Any:
        shape = self.scene.image_shape
        width = 1290
        height = 160 if shape is None else round(2 * (width - 110) / STRIP_PICTURES * shape[0] / shape[1])
        plot = self._picture(width, height + 24, self._strip, (1.0, 2.0))
        plot.yaxis.visible = plot.xaxis.visible = True
        plot.yaxis.ticker = FixedTicker(ticks=[0.5, 1.5])
        plot.yaxis.major_label_overrides = {0.5: "straight line", 1.5: "geodesic"}
        # The first and last picture are centred on the ends of the curves.
        half = 0.0 if shape is None else 0.5 / STRIP_PICTURES
        places = {t: half + t * (1.0 - 2.0 * half) for t in (0.0, 0.25, 0.5, 0.75, 1.0)}
        plot.xaxis.ticker = FixedTicker(ticks=list(places.values()))
        ends = {0.0: "A, t = 0", 1.0: "t = 1, B"}
        plot.xaxis.formatter = CustomJSTickFormatter(
            args={"names": {f"{place:.4f}": ends.get(t, f"{t:g}") for t, place in places.items()}},
            code="return names instanceof Map ? names.get(tick.toFixed(4)) : names[tick.toFixed(4)]",
        )
        plot.axis.axis_line_color = plot.axis.major_tick_line_color = None
        return plot
