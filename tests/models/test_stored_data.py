"""Training on samples that stay on disk ends with the bits of a training on the same samples in memory."""

import numpy as np
import pytest

from tests.models.tiny import DATA_DIM, assert_same_values, make_counts, make_data, make_flow_model, make_vae
from tfgeo.datasets import StoredRows
from tfgeo.errors import UserError
from tfgeo.models import fit, fit_variance


def stored(x):
    """The table as if it were on disk, and the numbers of rows that were read at once."""
    sizes = []

    def read(rows):
        sizes.append(len(rows))
        return x[rows]

    return StoredRows(read, *x.shape), sizes


def test_the_same_bits():
    x, held_out = make_data(60), make_data(9, seed=1)
    models = make_vae("gmm"), make_vae("gmm")
    table, sizes = stored(x)
    for model, inputs in zip(models, (x, table), strict=True):
        fit(model, inputs, 4, 25, 1e-2, verbose=0, validation_data=held_out)
        fit_variance(model, inputs, 2, 25, 1e-2, verbose=0)
    assert_same_values(*models)
    assert sizes.count(25) >= 8


def test_what_a_reader_says_of_its_file_is_the_error_of_the_training():
    def read(rows):
        raise UserError("image 7 is gone; give it back")

    with pytest.raises(UserError, match=r"^image 7 is gone; give it back$"):
        fit(make_vae(None), StoredRows(read, 60, DATA_DIM), 1, 25, 1e-2, verbose=0)


@pytest.mark.parametrize("num_centroids", [20, 60])
def test_a_learned_metric_of_the_same_samples_is_the_same(num_centroids):
    x, seed = make_data(60), (0, 1)
    models = [make_flow_model("rhvae", num_steps=1, num_centroids=num_centroids) for _ in range(2)]
    bounds = []
    for model, inputs in zip(models, (x, stored(x)[0]), strict=True):
        terms = model.terms_given(inputs)(make_data(9, seed=1), seed)
        model.update_metric(inputs)
        bounds.append((*terms, model.elbo(x, seed)))
    assert_same_values(*models)
    for one, other in zip(*bounds, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_start_of_the_variance_is_computed_from_a_part(monkeypatch):
    monkeypatch.setattr("tfgeo.models.training.MAX_START_SAMPLES", 30)
    model = make_vae("gmm")
    fit_variance(model, stored(make_data(60))[0], 1, 25, 1e-2, verbose=0)
    assert np.isfinite(model.decoder.precision.log_scale).all()


def test_what_a_decoder_has_no_density_for_is_refused():
    with pytest.raises(UserError, match=r"run from .* \[0, 1\]"):
        fit(make_vae("bernoulli"), stored(2.0 * make_data(9))[0], 1, 4, 1e-3, verbose=0)
    counts = make_counts(5000)
    counts[4500, DATA_DIM - 1] += 0.5
    with pytest.raises(UserError, match=f"row 4500, column {DATA_DIM - 1}"):
        fit(make_vae("poisson"), stored(counts)[0], 1, 4, 1e-3, verbose=0)
