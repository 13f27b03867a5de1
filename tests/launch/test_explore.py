"""launch.explore: a page of an entry, and what is refused."""

import pytest

import zoo
from launch import explore, program


def run(*arguments):
    return program.run(explore.main, explore.program_flags(), explore.__doc__, ["explore", *arguments], False)


def test_a_page_of_an_entry(tmp_path, capsys):
    path = tmp_path / "new" / "moons.html"
    # A folder is an entry of one's own.
    zoo.load("yang2018/two_moons").save(tmp_path / "mine")
    assert run(f"--entry={tmp_path / 'mine'}", f"--static={path}") == 0
    text = path.read_text(encoding="utf-8")
    assert "yang2018/two_moons" in text and "zoo.load" in text
    assert path.stat().st_size < 3e6
    assert "MB; open it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--entry is missing"),
        (["--entry=yang2018/three_moons", "--static=OUT/a.html"], "two_moons"),
        (["--entry=yang2018/two_moons", "--static=OUT/a.pdf"], "must end in .html"),
        (["--entry=yang2018/two_moons", "--port=70000"], "port"),
        (["--entry=chen2019/human_motion", "--static=OUT/a.html", "--weights=OUT/none.weights.h5"], "none"),
    ],
)
def test_mistakes_are_one_line(arguments, words, tmp_path, capsys):
    assert run(*(argument.replace("OUT", str(tmp_path)) for argument in arguments)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and words in lines[0]
