"""Entries in folders and on the hub: they come back as they were, and what was altered is refused in one line."""

import dataclasses
import http.server
import json
import pathlib
import re
import shutil
import threading

import h5py
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tfgeo.errors import UserError
from zoo import cards, hub
from zoo.building import build_model
from zoo.entry import Entry
from zoo.folders import CARD_FILE, WEIGHTS_FILE


def small_config():
    config = zoo.config("yang2018/two_moons")
    network = dataclasses.replace(config.network, encoder_units=(4,), decoder_units=(4,))
    return dataclasses.replace(config, network=network)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with an entry, and the entry."""
    config = small_config()
    entry = Entry(config, None, build_model(config, seed=3))
    return entry.save(tmp_path_factory.mktemp("saved") / "entry"), entry


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to spoil."""
    return pathlib.Path(shutil.copytree(saved[0], tmp_path / "copy"))


def change_card(folder, **changes):
    path = folder / CARD_FILE
    card = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in card.items() if value is not None}))


def change_config(folder, section, **changes):
    card = json.loads((folder / CARD_FILE).read_text())
    card["config"][section] |= changes
    change_card(folder, config=card["config"])


def sign(folder):
    """Makes the card agree with altered weights: who sends a folder can write any sha256."""
    change_card(folder, sha256=zoo.cards.sha256_of(folder / WEIGHTS_FILE))


def test_a_saved_entry_comes_back(saved):
    folder, entry = saved
    loaded = zoo.load(str(folder))
    z = tf.constant([[0.3, -0.2], [1.0, 2.0]])
    np.testing.assert_array_equal(loaded.model.decode(z).mean(), entry.model.decode(z).mean())
    assert loaded.config == entry.config and loaded.folder == folder
    assert loaded.card["entry"] == "yang2018/two_moons" and loaded.card["versions"]["tensorflow"]
    assert zoo.load(str(folder), weights=None).model is not None
    assert len(loaded.dataset()) == 100


def test_what_is_saved_of_weights_of_few_bits_is_in_single_precision(tmp_path):
    entry = zoo.load("chen2018/robot_arm")
    assert entry.card["storage"]["bits"] == 16
    again = zoo.load(entry.save(tmp_path / "entry"))
    with pytest.raises(UserError, match="there is no folder"):
        zoo.load(tmp_path / "other")
    assert "storage" not in again.card and again.card["measured"] == entry.card["measured"]
    assert (tmp_path / "entry" / WEIGHTS_FILE).stat().st_size > 1.5 * cards.weights_path(
        entry.config.name
    ).stat().st_size


def test_an_entry_is_not_replaced_unasked(saved):
    folder, entry = saved
    with pytest.raises(UserError, match="overwrite=True"):
        entry.save(folder)
    before = (folder / CARD_FILE).read_bytes()
    entry.save(folder, overwrite=True)
    assert (folder / CARD_FILE).read_bytes() == before


def test_the_card_of_a_folder_is_that_of_what_is_loaded(saved):
    folder, entry = saved
    with pytest.raises(UserError, match=r"is a folder; zoo\.load\(.*\)\.card is its card"):
        zoo.card(str(folder))
    assert zoo.load(str(folder)).card["entry"] == entry.config.name


def test_a_shipped_entry_keeps_its_card(tmp_path):
    entry = zoo.load("yang2018/two_moons")
    again = zoo.load(str(entry.save(tmp_path / "moons")))
    assert again.card["measured"] == entry.card["measured"] and again.card["seed"] == entry.card["seed"]
    assert again.config == entry.config
    z = tf.constant([[0.3, -0.2]])
    np.testing.assert_array_equal(again.model.decode(z).stddev(), entry.model.decode(z).stddev())


def test_a_model_that_was_trained_on_is_not_what_was_measured(tmp_path):
    entry = zoo.load("yang2018/two_moons")
    kernel = entry.model.decoder.mean_network.weights[0]
    kernel.assign(kernel + 1e-3)
    again = zoo.load(str(entry.save(tmp_path / "moons")))
    assert again.config == entry.config and not {"measured", "command", "studies"} & set(again.card)
    assert "**Model.**" in str(again.card)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def with_link(folder):
    with h5py.File(folder / WEIGHTS_FILE, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    sign(folder)


def with_external_storage(folder):
    with h5py.File(folder / WEIGHTS_FILE, "r+") as file:
        file.create_dataset("elsewhere", (4,), "u1", external=[("/etc/passwd", 0, 4)])
    sign(folder)


def with_bomb(folder):
    with h5py.File(folder / WEIGHTS_FILE, "r+") as file:
        file.create_dataset("zeros", (1 << 26,), "f4", chunks=(1 << 20,), compression="gzip", fillvalue=0.0)
    sign(folder)


def with_a_circle(folder):
    with h5py.File(folder / WEIGHTS_FILE, "r+") as file:
        group = file.create_group("around")
        group["again"] = group
    sign(folder)


SPOILED = {
    "no card": (lambda folder: (folder / CARD_FILE).unlink(), f"no {CARD_FILE}"),
    "card cut": (lambda folder: cut(folder / CARD_FILE, 300), "cut or altered"),
    "card is binary": (lambda folder: (folder / CARD_FILE).write_bytes(b"\xff\xfe\x00"), "cut or altered"),
    "card is a list": (lambda folder: (folder / CARD_FILE).write_text("[1]"), "holds a list"),
    "card is nested": (lambda folder: (folder / CARD_FILE).write_text("[" * 100_000), "cut or altered"),
    "newer format": (lambda folder: change_card(folder, format=99), "upgrade tfgeo"),
    "no sha256": (lambda folder: change_card(folder, sha256=None), "does not say sha256"),
    "sha256 is a number": (lambda folder: change_card(folder, sha256=5), "was altered"),
    "unknown field": (lambda folder: change_config(folder, "network", wings=2), "wings"),
    "unknown section": (lambda folder: change_card(folder, config={"wings": {}}), "wings"),
    "value of another type": (lambda folder: change_config(folder, "network", encoder_units=5), "cannot be read"),
    "text for a number": (lambda folder: change_config(folder, "network", encoder_units=["a"]), "configuration"),
    "config is text": (lambda folder: change_card(folder, config="all"), "is none"),
    "huge model": (lambda folder: change_config(folder, "network", decoder_units=[10**9]), "fewer than the"),
    "no weights": (lambda folder: (folder / WEIGHTS_FILE).unlink(), "is missing; copy"),
    "weights cut": (lambda folder: cut(folder / WEIGHTS_FILE, 900), "altered; copy"),
    "weights cut and signed": (lambda folder: (cut(folder / WEIGHTS_FILE, 2000), sign(folder)), "not fit|fewer"),
    "weights are text": (lambda folder: ((folder / WEIGHTS_FILE).write_text("a" * 9000), sign(folder)), "not fit"),
    "link to a file": (with_link, "links 'elsewhere' elsewhere"),
    "a group in itself": (with_a_circle, "holds a group twice"),
    "reads a file": (with_external_storage, "reads 'elsewhere' from elsewhere"),
    "unpacks to much": (with_bomb, "unpacks to"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_folder_is_refused_in_one_line(folder, name):
    spoil, message = SPOILED[name]
    spoil(folder)
    with pytest.raises(UserError, match=message) as caught:
        zoo.load(str(folder))
    assert "\n" not in str(caught.value)


def test_names_that_are_neither_entry_nor_folder():
    with pytest.raises(UserError, match="two_moons"):
        zoo.load("yang2018/two_moon")
    for nothing in (None, "", 3):
        with pytest.raises(UserError, match=f"{nothing!r} names no entry"):
            zoo.load(nothing)
    with pytest.raises(UserError, match="no folder /nowhere"):
        zoo.load("/nowhere/at/all")


def test_data_that_a_card_names_are_not_opened(folder, tmp_path):
    np.savez(tmp_path / "own.npz", x=np.zeros([4, 2]))
    change_config(folder, "data", name="npz", path=str(tmp_path / "own.npz"), size=0)
    with pytest.raises(UserError, match="not opened on a card's word"):
        zoo.load(str(folder)).dataset()
    recipe = {"label_column": "kind", "classes": ["a"], "standardize": True}
    change_config(folder, "data", name="csv", path="own.csv", **recipe)
    words = "load('csv', path=..., label_column='kind', classes=('a',), standardize=True)"
    with pytest.raises(UserError, match=re.escape(words)):
        zoo.load(str(folder)).dataset()


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub as a download asks for: `/ORG/NAME/resolve/REVISION/FILE`."""

    commit = "0123456789abcdef0123456789abcdef01234567"
    files: dict[str, bytes]

    def do_HEAD(self):
        self._answer(False)

    def do_GET(self):
        self._answer(True)

    def _answer(self, with_body):
        repository, _, rest = self.path.lstrip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        missing = None
        if repository != "lab/moons":
            missing = "RepoNotFound"
        elif revision not in ("main", self.commit):
            missing = "RevisionNotFound"
        elif name not in self.files:
            missing = "EntryNotFound"
        content = self.files.get(name, b"")
        self.send_response(404 if missing else 200)
        self.send_header("X-Repo-Commit", self.commit)
        self.send_header("Content-Length", "0" if missing else str(len(content)))
        if missing:
            self.send_header("X-Error-Code", missing)
        else:
            self.send_header("ETag", f'"{len(content)}-{name}"')
        self.end_headers()
        if with_body and not missing:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(saved, tmp_path, monkeypatch):
    """A hub on this machine, with an empty cache; `stop()` takes it off."""
    from huggingface_hub import constants

    files = {name: (saved[0] / name).read_bytes() for name in (CARD_FILE, WEIGHTS_FILE)}
    handler = type("ThisHub", (Hub,), {"files": files})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{running.server_port}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    stopped = []

    def stop():
        if not stopped:
            running.shutdown()
            running.server_close()
            stopped.append(True)

    running.stop, running.handler = stop, handler
    yield running
    stop()


def test_an_entry_of_the_hub_is_fetched_once_and_kept(server, saved):
    loaded = zoo.load("hf://lab/moons")
    assert loaded.config == saved[1].config
    assert hub.download(f"hf://lab/moons@{Hub.commit}") == loaded.folder
    server.stop()
    with pytest.warns(UserWarning, match="cannot be reached; the copy in"):
        again = zoo.load("hf://lab/moons")
    assert again.folder == loaded.folder


def test_what_the_hub_does_not_have_is_said(server):
    for name, message in {
        "hf://lab/suns": "no lab/suns",
        "hf://lab/moons@older": "revision older",
        "hf://moons": "is no name",
        "hf://lab/../../etc": "is no name",
        "hf://lab/moons@../x": "is no name",
    }.items():
        with pytest.raises(UserError, match=message):
            zoo.load(name)
    del server.handler.files[WEIGHTS_FILE]
    with pytest.raises(UserError, match="no entry"):
        zoo.load("hf://lab/moons")


def test_without_connection_and_copy(server):
    server.stop()
    with pytest.raises(UserError, match="not fetched before"):
        zoo.load("hf://lab/moons")
