"""What the documents say of the code is so: the map, paths, commands, the layers of imports, terms and letters."""

import ast
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

import zoo

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    import tomli as tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
WINGS = ("tfgeo", "zoo", "launch", "tests", "docs")
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md",)}
PAGES |= {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))
}
ARCHITECTURE, GLOSSARY = PAGES["docs/ARCHITECTURE.md"], PAGES["docs/GLOSSARY.md"]
every_page = pytest.mark.parametrize("page", PAGES)

MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tfgeo").rglob("*.py"))}


def spans(text):
    """What stands between backticks."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def blocks(text):
    """Fenced blocks, and what is indented."""
    return [*re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S), *re.findall(r"^ {4}(\S.*)$", text, re.M)]


def section(text, title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


def docstrings():
    """Docstrings of tfgeo with the place of each; what is private is left out."""
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                name = getattr(node, "name", "")
                if not name.startswith("_") and (doc := ast.get_docstring(node)):
                    yield f"{path.relative_to(ROOT)}: {name}", doc


def rows(text):
    """Groups of lines that begin with a bar, as cells."""
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.M):
        yield [re.split(r"(?<!\\)\|", line.strip()) for line in table.strip().splitlines()]


@every_page
def test_tables_are_whole(page):
    for table in rows(re.sub(r"```.*?```", "", PAGES[page], flags=re.S)):
        assert len({len(cells) for cells in table}) == 1, table[0]
        assert all(set(cell) <= set("-: ") for cell in table[1]), table[0]


def test_the_map_is_what_make_map_prints():
    command = ["make", "-s", "--no-print-directory", "map", f"PYTHON={sys.executable}"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # What `make map` prints now belongs into docs/ARCHITECTURE.md.
    assert blocks(section(ARCHITECTURE, "Rooms"))[0] == printed


def test_every_folder_of_code_is_on_the_map():
    printed = subprocess.run([sys.executable, "docs/map.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    shown = [line.split("/")[0].strip() for line in printed.stdout.splitlines()]
    folders = {path.parent for wing in WINGS[:3] for path in (ROOT / wing).rglob("*.py")} | {ROOT / "tests"}
    assert sorted(shown) == sorted(folder.name for folder in folders)


def missing_paths(text, folder=ROOT):
    """Paths between backticks or in links of a page in `folder` that lead nowhere; NAME and PAPER are any name."""
    words = [span for span in spans(text) if re.fullmatch(r"[\w.\-]*/[\w./\-]*|[\w\-]+\.(py|md|toml|txt)", span)]
    words += re.findall(r"\]\(([^)#:]+)\)", text)
    missing = []
    for word in words:
        if word.startswith("OUTPUT_DIR/"):  # what a run writes
            continue
        path = ROOT / word
        if path.stem in ("NAME", "PAPER"):
            path = path.parent
        inside = "/" not in word and any(found for wing in WINGS for found in (ROOT / wing).rglob(word))
        if not path.exists() and not (folder / word).exists() and not inside and word not in zoo.names():
            missing.append(word)
    return missing


@every_page
def test_paths_exist(page):
    assert missing_paths(PAGES[page], (ROOT / page).parent) == []


def test_a_path_that_does_not_exist_is_found():
    text = "`tfgeo/` `tfgeo/none.py` `none/NAME.py` `zoo/PAPER.py` `connect.py` `none.md` [a](docs/none.md) `a | b`"
    assert missing_paths(text) == ["tfgeo/none.py", "none/NAME.py", "none.md", "docs/none.md"]


@every_page
def test_commands_exist(page):
    commands = [*spans(PAGES[page]), *blocks(PAGES[page])]
    targets = {target for command in commands for target in re.findall(r"^make ([a-z][a-z\-]*)", command, re.M)}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets <= set(re.findall(r"^([a-z][a-z\-]*):", makefile, re.M))
    modules = {name for command in commands for name in re.findall(r"python -m launch\.([a-z_]+)", command)}
    assert modules <= doors()


def doors():
    """Files at the top of launch that are run as programs."""
    files = (ROOT / "launch").glob("*.py")
    return {path.stem for path in files if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")}


def layers():
    """Contracts of layers in pyproject.toml, the upper ones first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    return {one["containers"][0]: one["layers"] for one in contracts if "containers" in one}


def test_at_the_top_of_launch_are_doors_of_less_than_60_lines():
    files = {path.stem: path for path in (ROOT / "launch").glob("*.py")}
    assert set(files) == doors() | {"console", "program", "__init__"}
    assert doors() == set(layers()["launch"][1].split(" | "))
    lines = {name: len(files[name].read_text(encoding="utf-8").splitlines()) for name in doors()}
    assert {name: count for name, count in lines.items() if count >= 60} == {}


def test_layers_are_those_of_the_contracts():
    written = " ".join(section(ARCHITECTURE, "Which way imports go").split())
    found = layers()
    assert set(found) >= {"launch", "tfgeo", "tfgeo.geodesics"}
    for container, names in found.items():
        assert f"{container} {' > '.join(names)}" in written


def resolve(name):
    """What a dotted name stands for: a module, or what a module or a class holds."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("page", PAGES)
def test_symbols_exist(page):
    names = {span for span in spans(PAGES[page]) if re.fullmatch(r"(tfgeo|zoo|launch)(\.\w+)+", span)}
    for name in sorted(names):
        resolve(name)
    assert names


def test_a_symbol_that_does_not_exist_is_found():
    for name in ("tfgeo.geodesics.Geodesic", "tfgeo.manifolds.Manifold.metrics", "tfgeo.maps", "tfgeometry.plots"):
        with pytest.raises((AttributeError, ModuleNotFoundError)):
            resolve(name)


def test_every_line_of_the_glossary_has_its_term_once():
    entries = re.findall(r"^- \*\*(.+?)\*\*", GLOSSARY, re.M)
    assert len(entries) > 60 and len(set(entries)) == len(entries)


def test_arguments_that_the_glossary_names_exist():
    names = {span for span in spans(GLOSSARY) if re.fullmatch(r"[a-z]\w+", span)}
    nodes = [node for tree in MODULES.values() for node in ast.walk(tree)]
    known = {node.arg for node in nodes if isinstance(node, ast.arg)}
    known |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    fields = [node.target for node in nodes if isinstance(node, ast.AnnAssign)]
    known |= {field.id for field in fields if isinstance(field, ast.Name)}
    assert names and names - known == set()


def test_shapes_keep_to_the_letters_of_the_glossary():
    letters = set(re.findall(r"`([A-Za-z])`", section(GLOSSARY, "Letters of shapes")))
    assert letters >= {"B", "T", "n", "d", "D"}
    others = [
        (place, shape)
        for place, doc in docstrings()
        for shape in re.findall(r"`\[([^`]*)\]`", doc)
        if shape != "z, rho" and not set(re.findall(r"(?<![\w'])[A-Za-z](?![\w'])", shape)) <= letters
    ]
    assert others == []


def test_docstrings_use_one_word_for_one_thing():
    lines = re.findall(r"^- (.+?), not (.+)$", section(GLOSSARY, "One word for one thing"), re.M)
    refused = {other: word for word, others in lines for other in others.split(", ")}
    assert len(refused) > 5
    found = [
        f"{place}: {word}, not {other}"
        for place, doc in docstrings()
        for other, word in refused.items()
        # Other libraries name their classes as they do.
        if other in " ".join(re.sub(r"`[A-Z]\w*", "", doc).split()).lower()
    ]
    assert found == []


def test_the_readme_leads_to_every_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    # The reference is for the site, where every page leads to it.
    pages = {page for page in PAGES if not page.startswith("docs/reference/")}
    assert set(re.findall(r"\]\(([^)#:]+\.md)\)", readme)) >= pages
