"""What the command line makes of an entry's configuration."""

import pytest

from launch import program
from tfgeo.errors import UserError

RHVAE = "chadebec2020/rhvae_mnist_012"


def config_of(*overrides, entry=RHVAE):
    values = program.entry_flags()
    argv = ["program", f"--entry={entry}", "--output_dir=unused"]
    argv += [f"--config.{override}" for override in overrides]
    program._parse(values, argv, configurable=True)
    return program.read_config(values)


def test_parts_of_an_objective_are_given_one_by_one():
    flow = config_of("flow.objective=released", "flow.momentum_density=True", "flow.gradient=flow").flow
    assert flow.objective == "released"
    assert flow.objective_changes == {"momentum_density": True, "gradient": "flow"}
    assert config_of().flow.objective_changes == {}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "clustering.max_samples=10",
            "`--config.clustering` has no field 'max_samples'; did you mean 'num_subsamples'? It has num_",
        ),
        ("foo.bar=1", "`--config` has no field 'foo'; it has name, "),
        (
            "training.epoch=3",
            "`--config.training` has no field 'epoch'; did you mean 'epochs'? It has epochs, batch_size, ",
        ),
        ("training.epochs.most=3", "`--config.training.epochs` is one value and has no field 'most'; give "),
        (
            "data.classes[0]=1",
            "--config.data.classes[0]=1 sets a part of a value; give the whole one, --config.data.",
        ),
        (
            "flow.objective=released",
            "`--config.flow` is none in yang2018/two_moons, it has no field 'objective'; leave --config.flow.obj",
        ),
    ],
)
def test_a_field_that_does_not_exist_is_named_beside_those_that_do(override, words):
    with pytest.raises(UserError) as caught:
        config_of(override, entry="yang2018/two_moons")
    assert str(caught.value).startswith(words)


def test_wrong_parts_are_refused():
    with pytest.raises(UserError, match=r"`flow\.momentum_density`='yes' is not known"):
        config_of("flow.momentum_density=yes")
    with pytest.raises(UserError, match="no `metric`"):
        config_of("flow.objective=released", entry="chadebec2020/hvae_mnist_012")
