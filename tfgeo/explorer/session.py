"""One browser's view of a served explorer: what Bokeh draws, and what follows the pointer."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import MouseMove, Pan, PanEnd, PanStart, Press, PressUp, Tap
from bokeh.layouts import column, row
from bokeh.models import Button as BokehButton
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    CustomJS,
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

from tfgeo.errors import UserError
from tfgeo.explorer.answers import SOLVERS, Answer, Answers
from tfgeo.explorer.pictures import STRIP_PICTURES, Pictures
from tfgeo.explorer.scene import FIELD_LABEL, Scene
from tfgeo.plots import CLASS_COLORS

__all__ = ["Session"]

# Milliseconds within which moves of an end count as one, and after which an end is at rest.
COLLECT, REST = 8, 400
# Pixels of the map, and shares of the field beyond which colours no longer change.
MAP_WIDTH = 700
CLIPPED = (0.5, 99.5)
NUM_LINES = 14
MARKERS = ("circle", "triangle", "square", "diamond", "inverted_triangle", "plus")
_WHITE, _INK = "#ffffff", "#1b1f24"


# Of the map's sides, how near to an end a drag begins.
REACH = 0.03
# In the browser: which end is taken, and where it is moved to.
_TAKE = """
    const {x, y} = ends.data, {x: px, y: py} = cb_obj
    const gaps = [0, 1].map((i) => Math.hypot((x[i] - px) / (high[0] - low[0]), (y[i] - py) / (high[1] - low[1])))
    const nearest = gaps[0] <= gaps[1] ? 0 : 1
    ends.tags = [gaps[nearest] < reach ? nearest : -1]
"""
_MOVE = """
    const held = ends.tags[0]
    if (held < 0) return
    const x = [...ends.data.x], y = [...ends.data.y]
    x[held] = Math.min(Math.max(cb_obj.x, low[0]), high[0])
    y[held] = Math.min(Math.max(cb_obj.y, low[1]), high[1])
    ends.data = {...ends.data, x, y}
"""


class Session:
    """The page of one browser.

    Args:
      scene: what is shown.
      answers: what computes, by the metric's key; shared by all sessions.
      pictures: of the scene; shared by all sessions.
      document: Bokeh's.
    """

    def __init__(
        self, scene: Scene, answers: Mapping[str, Answers], pictures: Pictures, document: Document
    ) -> None:
        self.scene, self.answers, self.pictures, self.document = scene, answers, pictures, document
        self.key = scene.metrics[0].key
        self.source: np.ndarray | None = None
        self._pending: Any = None
        self._resting: Any = None
        # What is computed once an end rests must not hold up the next drag.
        self._pool = ThreadPoolExecutor(1)
        self._round = 0
        document.on_session_destroyed(lambda _: self._pool.shutdown(wait=False, cancel_futures=True))
        ends = answers[self.key].telling_pair()
        self.ends = ColumnDataSource(
            {"x": ends[:, 0].tolist(), "y": ends[:, 1].tolist(), "n": ["A", "B"]}, name="ends", tags=[-1]
        )
        self.curve = ColumnDataSource({"x": [], "y": []}, name="curve")
        self.line = ColumnDataSource({"x": [], "y": []})
        self.speeds = {name: ColumnDataSource({"t": [], "v": []}) for name in ("geodesic", "straight")}
        self.field = ColumnDataSource({"image": [np.zeros([2, 2])]})
        self.labels = ColumnDataSource({"x": [], "y": [], "text": []})
        self.star = ColumnDataSource({"x": [], "y": []}, name="star")
        self.strip = ColumnDataSource({"image": []})
        self.pointed = ColumnDataSource({"image": []})

    def show(self) -> None:
        """Puts the page into the document and draws it for the first time."""
        scene = self.scene
        heading = Div(
            text=f"<h1 style='margin:0;font-size:1.35rem'>{html.escape(scene.title)}</h1>"
            f"<p style='margin:.1rem 0 .3rem;color:#59636e;max-width:70rem'>{html.escape(scene.summary)}</p>"
        )
        self.lengths, self.note, self.text = Div(), Div(width=400), Div(width=400)
        self.metric_choice = Select(
            title="Metric",
            value=self.key,
            options=[(metric.key, metric.name) for metric in scene.metrics],
            width=190,
        )
        self.solver_choice = Select(title="Geodesic by", value="table", options=list(SOLVERS.items()), width=250)
        self.metric_choice.on_change("value", lambda attr, old, new: self._choose_metric())
        self.solver_choice.on_change("value", lambda attr, old, new: self._changed())
        clear = BokehButton(label="Clear the lines", width=120)
        clear.on_click(lambda: self._set_source(None))
        hint = Div(
            text="<b>Drag A or B.</b> Click anywhere else for lines of equal distance from there.",
            styles={"color": "#59636e"},
        )
        self.map = self._make_map()
        side = column(
            row(self.metric_choice, self.solver_choice),
            self.text,
            self.lengths,
            self._make_speeds(),
            row(self._make_pointed(), column(clear)),
            self.note,
        )
        layout = column(heading, row(column(self.map, hint), side), self._make_strips(), margin=(14, 20, 20, 22))
        self.document.title = f"{scene.title} · explorer"
        self.document.add_root(layout)
        self._choose_metric()
        self._point_at(np.array([self.ends.data["x"][0], self.ends.data["y"][0]]))
        self.ends.on_change("data", lambda attr, old, new: self._changed())

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
        self.mapper = LinearColorMapper(palette="Viridis256", low=0.0, high=1.0)
        self.image = plot.image(
            "image", x=low0, y=low1, dw=high0 - low0, dh=high1 - low1, source=self.field, color_mapper=self.mapper
        )
        self.bar = ColorBar(color_mapper=self.mapper, width=14, padding=8)
        plot.add_layout(self.bar, "right")
        codes = self._draw_codes(plot)
        first, second = np.linspace(low0, high0, 2), np.linspace(low1, high1, 2)
        self.contours = plot.contour(
            first, second, np.zeros([2, 2]), levels=[1.0], line_color=_WHITE, line_width=1.2
        )
        for source, dash, width in ((self.line, [7, 6], 2), (self.curve, "solid", 3)):
            plot.line("x", "y", source=source, line_color="#000000", line_width=width + 2, line_alpha=0.85)
            plot.line("x", "y", source=source, line_color=_WHITE, line_width=width, line_dash=dash)
        for color, extra in (("#000000", {"text_outline_color": "#000000"}), (_WHITE, {})):
            plot.text(
                "x", "y", "text", source=self.labels, text_color=color, text_font_size="12px", text_align="center",
                text_baseline="middle", **extra,
            )  # fmt: skip
        plot.scatter("x", "y", source=self.star, marker="star", size=18, fill_color="#000000", line_color=_WHITE)
        plot.scatter("x", "y", source=self.ends, size=24, fill_color=_WHITE, line_color="#000000", line_width=2.5)
        plot.text(
            "x", "y", "n", source=self.ends, text_align="center", text_baseline="middle", text_font_style="bold",
            text_font_size="12px",
        )  # fmt: skip
        plot.add_tools(HoverTool(renderers=codes, tooltips=self._tooltip()))
        self._make_draggable(plot)
        plot.on_event(Tap, self._tapped)
        plot.on_event(MouseMove, self._looked)
        return plot

    def _make_draggable(self, plot: Any) -> None:
        """Ends follow the pointer in the browser at once: Bokeh's tool for points tells of a drag at its end."""
        (low0, high0), (low1, high1) = self.scene.bounds
        arguments = {"ends": self.ends, "low": [low0, low1], "high": [high0, high1], "reach": REACH}
        # The end that is held is kept in the source's tags: -1 for none.
        for event, code in ((PanStart, _TAKE), (Press, _TAKE), (Pan, _MOVE), (MouseMove, _MOVE)):
            plot.js_on_event(event, CustomJS(args=arguments, code=code))
        for event in (PanEnd, PressUp):
            plot.js_on_event(event, CustomJS(args=arguments, code="ends.tags = [-1];"))

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
                    fill_color=CLASS_COLORS[number % len(CLASS_COLORS)], line_color=_WHITE, line_width=0.8,
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
            "t", "v", source=self.speeds["straight"], line_color=_INK, line_dash=[6, 4], line_width=1.6
        )
        geodesic = plot.line("t", "v", source=self.speeds["geodesic"], line_color=_INK, line_width=2.4)
        items = [("geodesic", [geodesic]), ("straight line", [straight])]
        plot.add_layout(Legend(items=items, orientation="horizontal", padding=0, border_line_color=None), "above")
        plot.y_range.start = 0.0
        self.speed_plot = plot
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
        plot = self._picture(round(96 * aspect), 96, self.pointed, (1.0, 1.0))
        return row(plot, Div(text="decoded<br>at the pointer", styles={"color": "#59636e"}))

    def _make_strips(self) -> Any:
        shape = self.scene.image_shape
        width = 1290
        height = 160 if shape is None else round(2 * (width - 110) / STRIP_PICTURES * shape[0] / shape[1])
        plot = self._picture(width, height + 24, self.strip, (1.0, 2.0))
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

    # What follows the pointer.

    def _changed(self) -> None:
        """An end moved: moves that come together are answered together."""
        if self._pending is None:
            self._pending = self.document.add_timeout_callback(self._answer, COLLECT)

    def _answer(self) -> None:
        self._pending = None
        self._round += 1
        self._draw(self._solve(is_final=False))
        if self._resting is not None:
            self.document.remove_timeout_callback(self._resting)
            self._resting = None
        if self.solver_choice.value == "table" and not self.answers[self.key].is_straight:
            self._resting = self.document.add_timeout_callback(self._rest, REST)

    def _rest(self) -> None:
        """The ends are at rest: the decoder itself has the last word, computed beside the page's loop."""
        self._resting = None
        asked = self._round
        solve = self._solver(is_final=True)

        def work() -> None:
            found = solve()
            self.document.add_next_tick_callback(lambda: self._draw(found) if asked == self._round else None)

        self._pool.submit(work)

    def _solve(self, is_final: bool) -> tuple[Answer, Answer] | UserError:
        return self._solver(is_final)()

    def _solver(self, is_final: bool) -> Callable[[], tuple[Answer, Answer] | UserError]:
        """What finds geodesic and straight line between the ends as they are now."""
        low, high = self.scene.bounds.T
        data = self.ends.data
        start, end = np.clip(np.stack([data["x"], data["y"]], axis=-1).astype(np.float64), low, high)
        answers, solver = self.answers[self.key], self.solver_choice.value

        def solve() -> tuple[Answer, Answer] | UserError:
            try:
                return answers.between(start, end, solver, is_final)
            except UserError as error:  # a solver that cannot take this manifold
                return error

        return solve

    def _draw(self, found: tuple[Answer, Answer] | UserError) -> None:
        if isinstance(found, UserError):
            self.note.text = f"<b>{html.escape(str(found))}</b>"
            return
        geodesic, straight = found
        unit = html.escape(self.answers[self.key].metric.unit)
        for source, answer in ((self.curve, geodesic), (self.line, straight)):
            source.data = {"x": answer.points[:, 0], "y": answer.points[:, 1]}
        for name, answer in (("geodesic", geodesic), ("straight", straight)):
            middles = (np.arange(len(answer.speeds)) + 0.5) / len(answer.speeds)
            self.speeds[name].data = {"t": middles, "v": answer.speeds}
        ratio = straight.length / geodesic.length if geodesic.length > 0.0 else 1.0
        verdict = "as short" if ratio < 1.0005 else f"{ratio:.3g} times as long"
        self.lengths.text = (
            f"<table style='border-spacing:0'><tr><td>geodesic</td><td style='padding-left:1em'>"
            f"{geodesic.length:.4g} {unit}</td></tr><tr><td>straight line</td><td style='padding-left:1em'>"
            f"{straight.length:.4g} {unit}</td></tr></table><b>The straight line is {verdict}.</b>"
        )
        seconds = f", in {1000.0 * geodesic.seconds:.0f} ms" if geodesic.seconds else ""
        self.note.text = f"<span style='color:#59636e'>geodesic: {html.escape(geodesic.note)}{seconds}</span>"
        self.strip.data = {"image": [self.pictures.strip([geodesic.points, straight.points])]}

    def _choose_metric(self) -> None:
        self.key = self.metric_choice.value
        answers = self.answers[self.key]
        metric = answers.metric
        self.text.text = f"<span style='color:#59636e'>{html.escape(metric.text)}</span>"
        self.speed_plot.yaxis.axis_label = f"{metric.unit} per unit of t"
        field = answers.field()
        self.image.visible = self.bar.visible = field is not None
        if field is not None:
            low, high = np.percentile(field, CLIPPED)
            self.mapper.update(low=float(low), high=float(max(high, low + 1e-6)))
            self.field.data = {"image": [field]}
        self.map.title.text = "" if field is None else FIELD_LABEL.format(unit=metric.unit.removesuffix("s"))
        self._set_source(self.source)
        self._changed()

    def _tapped(self, event: Tap) -> None:
        place = np.array([event.x, event.y])
        low, high = self.scene.bounds.T
        ends = np.stack([self.ends.data["x"], self.ends.data["y"]], axis=-1)
        # Where an end is, a click begins a drag.
        is_free = np.linalg.norm((ends - place) / (high - low), axis=-1).min() > REACH
        if is_free and np.all((place >= low) & (place <= high)):
            self._set_source(place)

    def _set_source(self, source: np.ndarray | None) -> None:
        """Lines of equal distance from a point, or none."""
        self.source = source
        self.contours.visible = source is not None
        if source is None:
            self.labels.data, self.star.data = {"x": [], "y": [], "text": []}, {"x": [], "y": []}
            return
        first, second, distances = self.answers[self.key].distances(source)
        levels = _round_levels(float(distances.max()), NUM_LINES)
        data = contour_data(first, second, distances, levels, want_fill=False)
        self.contours.set_data(data)
        self.labels.data = _label_places(data.line_data, levels)
        self.star.data = {"x": [source[0]], "y": [source[1]]}

    def _looked(self, event: MouseMove) -> None:
        if self.ends.tags[0] < 0:  # while an end is held, its curve comes first
            self._point_at(np.array([event.x, event.y]))

    def _point_at(self, place: np.ndarray) -> None:
        """What a place `[2]` decodes to, where it is on the map."""
        low, high = self.scene.bounds.T
        if np.all((place >= low) & (place <= high)):
            decoded = np.asarray(self.scene.decode(place[None].astype(np.float32)))
            self.pointed.data = {"image": [self.pictures.image(decoded[0])]}


def _round_levels(most: float, count: int) -> list[float]:
    """About so many round levels between 0 and the largest distance."""
    rough = most / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= rough)
    return [float(level) for level in np.arange(1, math.ceil(most / step)) * step]


def _label_places(lines: Any, levels: Sequence[float]) -> dict[str, list]:
    """A place for the label of each level: the middle of its longest line."""
    places: dict[str, list] = {"x": [], "y": [], "text": []}
    for level, xs, ys in zip(levels, lines.xs, lines.ys, strict=False):
        # Lines of one level follow one another, parted by NaN.
        breaks = [-1, *np.flatnonzero(np.isnan(xs)).tolist(), len(xs)]
        pieces = [(first + 1, last) for first, last in itertools.pairwise(breaks)]
        first, last = max(pieces, key=lambda piece: piece[1] - piece[0])
        if last - first > 8:
            middle = (first + last) // 2
            places["x"].append(float(xs[middle]))
            places["y"].append(float(ys[middle]))
            places["text"].append(f"{level:g}")
    return places
