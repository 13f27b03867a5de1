"""One browser's session with a served explorer: what follows the pointer, and when it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import MouseMove, Pan, PanEnd, PanStart, Press, PressUp, Tap
from bokeh.models import CustomJS

from tfgeo.errors import UserError
from tfgeo.explorer.answers import Answer, Answers
from tfgeo.explorer.pictures import Pictures
from tfgeo.explorer.scene import Scene
from tfgeo.explorer.view import View

__all__ = ["Session"]

# Milliseconds within which moves of an end count as one, and after which an end is at rest.
COLLECT, REST = 8, 400
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
        self.scene, self.answers, self.document = scene, answers, document
        self.key = scene.metrics[0].key
        self.source: np.ndarray | None = None
        self._pending: Any = None
        self._resting: Any = None
        # What is computed once an end rests must not hold up the next drag.
        self._pool = ThreadPoolExecutor(1)
        self._round = 0
        document.on_session_destroyed(lambda _: self._pool.shutdown(wait=False, cancel_futures=True))
        self.view = View(scene, pictures, answers[self.key].telling_pair())

    def show(self) -> None:
        """Puts the page into the document, draws it for the first time, and listens to the pointer."""
        view = self.view
        view.metric_choice.on_change("value", lambda attr, old, new: self._choose_metric())
        view.solver_choice.on_change("value", lambda attr, old, new: self._changed())
        view.clear.on_click(lambda: self._set_source(None))
        self._make_draggable()
        view.map.on_event(Tap, self._tapped)
        view.map.on_event(MouseMove, self._looked)
        self.document.title = f"{self.scene.title} · explorer"
        self.document.add_root(view.root)
        self._choose_metric()
        view.show_decoded(self._ends()[0])
        view.ends.on_change("data", lambda attr, old, new: self._changed())

    def _make_draggable(self) -> None:
        """Ends follow the pointer in the browser at once: Bokeh's tool for points tells of a drag at its end."""
        (low0, high0), (low1, high1) = self.scene.bounds
        arguments = {"ends": self.view.ends, "low": [low0, low1], "high": [high0, high1], "reach": REACH}
        # The end that is held is kept in the source's tags: -1 for none.
        for event, code in ((PanStart, _TAKE), (Press, _TAKE), (Pan, _MOVE), (MouseMove, _MOVE)):
            self.view.map.js_on_event(event, CustomJS(args=arguments, code=code))
        for event in (PanEnd, PressUp):
            self.view.map.js_on_event(event, CustomJS(args=arguments, code="ends.tags = [-1];"))

    def _ends(self) -> np.ndarray:
        """`[2, 2]` the ends as they are now."""
        data = self.view.ends.data
        return np.stack([data["x"], data["y"]], axis=-1).astype(np.float64)

    def _changed(self) -> None:
        """An end moved: moves that come together are answered together."""
        if self._pending is None:
            self._pending = self.document.add_timeout_callback(self._answer, COLLECT)

    def _answer(self) -> None:
        self._pending = None
        self._round += 1
        self._draw(self._solver(is_final=False)())
        if self._resting is not None:
            self.document.remove_timeout_callback(self._resting)
            self._resting = None
        if self.view.solver_choice.value == "table" and not self.answers[self.key].is_straight:
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

    def _solver(self, is_final: bool) -> Callable[[], tuple[Answer, Answer] | UserError]:
        """What finds geodesic and straight line between the ends as they are now."""
        low, high = self.scene.bounds.T
        start, end = np.clip(self._ends(), low, high)
        answers, solver = self.answers[self.key], self.view.solver_choice.value

        def solve() -> tuple[Answer, Answer] | UserError:
            try:
                return answers.between(start, end, solver, is_final)
            except UserError as error:  # a solver that cannot take this manifold
                return error

        return solve

    def _draw(self, found: tuple[Answer, Answer] | UserError) -> None:
        if isinstance(found, UserError):
            self.view.show_problem(found)
        else:
            self.view.show_curves(*found, self.answers[self.key].metric.unit)

    def _choose_metric(self) -> None:
        self.key = self.view.metric_choice.value
        answers = self.answers[self.key]
        self.view.show_field(answers.metric, answers.field())
        self._set_source(self.source)
        self._changed()

    def _tapped(self, event: Tap) -> None:
        place = np.array([event.x, event.y])
        low, high = self.scene.bounds.T
        # Where an end is, a click begins a drag.
        is_free = np.linalg.norm((self._ends() - place) / (high - low), axis=-1).min() > REACH
        if is_free and np.all((place >= low) & (place <= high)):
            self._set_source(place)

    def _set_source(self, source: np.ndarray | None) -> None:
        """Lines of equal distance from a point, or none."""
        self.source = source
        if source is None:
            self.view.hide_distances()
        else:
            self.view.show_distances(source, *self.answers[self.key].distances(source))

    def _looked(self, event: MouseMove) -> None:
        if self.view.ends.tags[0] < 0:  # while an end is held, its curve comes first
            self.view.show_decoded(np.array([event.x, event.y]))
