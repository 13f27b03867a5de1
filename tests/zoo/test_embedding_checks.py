"""scikit-learn's own checks of the embedding: all of them, those that say most without `-m slow`."""

import pytest
import tensorflow as tf
from sklearn.utils.estimator_checks import estimator_checks_generator

from zoo import VAEEmbedding

# Two passes and four components: what is checked are scikit-learn's conventions, which need no trained model.
ESTIMATOR = VAEEmbedding("yang2018/two_moons", epochs=2, num_components=4)
# Of the checks that fit: pickles, input, and that rows and fits do not depend on others.
SELECTED = {
    "check_estimators_pickle",
    "check_n_features_in",
    "check_methods_subset_invariance",
    "check_fit_idempotent",
}
# These never fit, or once.
QUICK = {
    "check_do_not_raise_errors_in_init_or_set_param", "check_estimator_cloneable", "check_estimator_repr",
    "check_estimator_get_tags_default_keys", "check_estimator_tags_renamed", "check_get_params_invariance",
    "check_mixin_order", "check_no_attributes_set_in_init", "check_parameters_default_constructible",
    "check_set_params", "check_transformers_unfitted", "check_valid_tag_types",
}  # fmt: skip


@pytest.fixture(autouse=True)
def without_compiling():
    """A hundred fits of a few steps each: compiling one takes as long as ten of them run eagerly."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def cases():
    for estimator, check in estimator_checks_generator(ESTIMATOR):
        name, options = getattr(check, "func", check).__name__, getattr(check, "keywords", {})
        marks = [] if name in SELECTED | QUICK and not options else [pytest.mark.slow]
        yield pytest.param(estimator, check, id="-".join([name, *options]), marks=marks)


@pytest.mark.parametrize(("estimator", "check"), list(cases()))
def test_check_estimator(estimator, check):
    check(estimator)


def test_selected_checks_exist():
    names = {getattr(check, "func", check).__name__ for _, check in estimator_checks_generator(ESTIMATOR)}
    assert names >= SELECTED
