"""Sec. 4.2: how well VAE, HVAE and RHVAE explain held-out images (Tables 2, 3), and by which settings (Table 4)."""

from __future__ import annotations

import dataclasses

from zoo.chadebec2020.common import (
    FASHION_TSB,
    FREE_TRAINING,
    MNIST_012,
    ROOT_OF_BETA_ZERO,
    entry,
    flow,
    metric,
    network,
    training,
)
from zoo.config import DataConfig, EntryConfig, EvaluationConfig, FlowConfig, Reported
from zoo.study import Setting, Study

__all__ = ["ENTRIES", "STUDIES"]

# Columns of the tables: the entries' last names, what they hold, and the data.
_COLUMNS: tuple[tuple[str, str, DataConfig], ...] = (
    ("mnist_012", "50 digits each of 0, 1 and 2", MNIST_012),
    ("fashion_tsb", "50 T-shirts, sandals and bags each", FASHION_TSB),
)
_NUM_SAMPLES = 150
_TRAINING = training(epochs=5000, patience=100)

# Where training of a learned value starts; the paper does not say.
_START_STEP_SIZE = 1e-2
_START_TEMPERATURE = 0.8

_NOTES = (
    FREE_TRAINING,
    "The paper's log p(x) is the largest while training; ours is that of the weights with the best held-out bound.",
    "Reconstructions are decoded posterior means, not moved by the flow; the paper does not say which it takes.",
)
_FLOW_NOTES = (
    *_NOTES,
    "Sec. 4.2.1 writes beta_0 = 0.3, fixed for the RHVAE; HVAEs learn it and start there here. It does not say "
    "where learned step sizes and temperatures start (1e-2 and 0.8), nor T on Fashion-MNIST (0.8).",
    "The HVAE of Table 3 is the one with the best bound, but the paper does not say which that is; here it is the "
    "best of Table 2. On MNIST that is -112.07, where Sec. 4.2.1 compares with -112.28.",
    "log p(x) is estimated with the encoder and with the flow as proposal. An estimate with the flow that leaves "
    "the volume of the tempering out, such as pythae's get_nll, is d log(1 / sqrt(beta_0)) too high: 6.0 nats "
    "here. The paper says that it took the encoder; its RHVAE is 2.9 and 3.9 nats above its VAE, less than that "
    "error, and neither of the two estimates here finds such a difference.",
    "Held-out samples are 30 images, whose log p(x) spreads by 40 to 90 nats: another draw moves the mean by 5 to "
    "8. Models compare by their differences seed by seed, on the same images.",
)
# By column.
_TABLE_3_NOTES: tuple[tuple[str, ...], ...] = (
    (),
    (
        "Table 3 prints smaller errors for held-out samples than for those trained on, in all rows of "
        "Fashion-MNIST: its two columns seem to be interchanged there. They are reported here as printed.",
    ),
)

# Table 2, log p(x) and its standard deviation in each column. HVAEs by (n_lf, epsilon_lf), None for a learned one.
_HVAES: dict[tuple[int, float | None], tuple[tuple[float, float], ...]] = {
    (1, None): ((-113.44, 0.33), (-273.96, 0.52)),
    (3, None): ((-115.05, 0.34), (-272.40, 0.30)),
    (5, None): ((-113.78, 0.47), (-271.67, 0.35)),
    (10, None): ((-112.97, 0.47), (-271.96, 0.28)),
    (15, None): ((-112.07, 0.33), (-272.64, 0.20)),
    (10, 1e-4): ((-113.40, 0.21), (-274.35, 0.19)),
    (10, 1e-3): ((-112.43, 0.13), (-275.32, 0.44)),
    (10, 1e-2): ((-112.28, 0.33), (-274.16, 0.26)),
}
_VAE = ((-113.48, 0.21), (-275.35, 0.63))
_RHVAE = ((-110.60, 0.17), (-271.45, 0.32))
# The entry of each column is the HVAE that the paper found best.
_BEST_HVAE = ((15, None), (5, None))

# Table 3, relative squared error of reconstructions in per cent, training and held-out samples.
_RECONSTRUCTION = {
    "vae": ((9.35, 26.19), (18.81, 10.86)),
    "hvae": ((10.05, 25.41), (18.22, 10.14)),
    "rhvae": ((10.97, 24.88), (16.96, 9.66)),
}

# Table 4: flags that differ from n_lf = 5, epsilon = 1e-2, T = 0.8, lambda = 1e-2, and in each column log p(x), its
# standard deviation, and the negative bound summed over the 30 held-out images.
_SENSITIVITIES: tuple[tuple[str, object, tuple[tuple[float, float, float], ...]], ...] = (
    ("flow.num_steps", 1, ((-137.52, 0.26, 4277.19), (-292.89, 0.33, 9132.64))),
    ("flow.num_steps", 3, ((-136.76, 0.30, 4236.07), (-289.65, 0.13, 9115.90))),
    ("flow.num_steps", 10, ((-137.63, 0.07, 4263.47), (-294.79, 0.12, 9216.46))),
    ("flow.step_size", 1e-4, ((-137.44, 0.12, 4246.53), (-288.96, 0.17, 8945.68))),
    ("flow.step_size", 1e-3, ((-134.50, 0.17, 4115.16), (-285.53, 0.13, 8827.40))),
    ("flow.learn_step_size", True, ((-137.95, 0.23, 4250.48), (-291.84, 0.51, 9078.35))),
    ("metric.temperature", 0.4, ((-137.82, 0.15, 4284.54), (-288.17, 0.51, 8918.95))),
    ("metric.temperature", 0.6, ((-136.47, 0.09, 4239.84), (-288.39, 0.23, 8985.83))),
    ("metric.temperature", 1.0, ((-136.33, 0.24, 4326.44), (-287.93, 0.25, 8942.79))),
    ("metric.temperature", 2.0, ((-136.11, 0.24, 4246.98), (-285.77, 0.18, 8841.37))),
    ("metric.temperature", 5.0, ((-137.22, 0.14, 4230.40), (-285.47, 0.11, 8770.49))),
    ("metric.learn_temperature", True, ((-135.53, 0.10, 4160.34), (-283.84, 0.07, 8732.34))),
    ("metric.regularization", 1e-3, ((-136.87, 0.25, 4228.59), (-285.68, 0.29, 8904.92))),
    ("metric.regularization", 1e-1, ((-137.11, 0.14, 4234.00), (-286.53, 0.30, 8959.55))),
    ("metric.regularization", 1.0, ((-136.83, 0.13, 4252.50), (-285.90, 0.17, 8946.34))),
    ("metric.regularization", 10.0, ((-136.12, 0.09, 4172.34), (-287.47, 0.10, 8857.29))),
)
_SENSITIVITY_REFERENCE = ((-135.88, 0.07, 4246.90), (-287.49, 0.34, 9015.70))


def _hvae_flow(num_steps: int, step_size: float | None) -> FlowConfig:
    start = _START_STEP_SIZE if step_size is None else step_size
    return flow(num_steps, start, ROOT_OF_BETA_ZERO, learn_step_size=step_size is None, learn_beta_zero=True)


def _models(column: int) -> tuple[EntryConfig, ...]:
    """The column's VAE, best HVAE and RHVAE."""
    name, what, data = _COLUMNS[column]
    best = _BEST_HVAE[column]
    values = {"vae": _VAE[column], "hvae": _HVAES[best][column], "rhvae": _RHVAE[column]}

    def reported(kind: str) -> Reported:
        train, test = (value / 100.0 for value in _RECONSTRUCTION[kind][column])
        return Reported(
            source="Tables 2, 3; Figure 1",
            log_likelihood=values[kind][0],
            log_likelihood_std=values[kind][1],
            reconstruction_train=round(train, 6),
            reconstruction_test=round(test, 6),
        )

    vae = entry(
        f"vae_{name}",
        f"VAE of {what}",
        "evaluate",
        data=data,
        network=network(latent_dim=10),
        training=_TRAINING,
        reported=reported("vae"),
        notes=(*_NOTES, *_TABLE_3_NOTES[column]),
    )
    hvae = dataclasses.replace(
        vae,
        name=f"chadebec2020/hvae_{name}",
        summary=f"Hamiltonian VAE of {what}, with the settings that the paper found best",
        flow=_hvae_flow(*best),
        reported=reported("hvae"),
        notes=(*_FLOW_NOTES, *_TABLE_3_NOTES[column]),
    )
    # MNIST: T and epsilon learned, lambda = 1e-3; Fashion-MNIST: epsilon = 1e-2, lambda = 1e-2.
    learned = column == 0
    rhvae = dataclasses.replace(
        hvae,
        name=f"chadebec2020/rhvae_{name}",
        summary=f"Riemannian Hamiltonian VAE of {what}",
        flow=flow(3, _START_STEP_SIZE, ROOT_OF_BETA_ZERO, learn_step_size=learned),
        metric=metric(_START_TEMPERATURE, 1e-3 if learned else 1e-2, _NUM_SAMPLES, learn_temperature=learned),
        reported=reported("rhvae"),
    )
    return vae, hvae, rhvae


def _sensitivity(column: int) -> EntryConfig:
    """The RHVAE whose settings Table 4 varies; d = 2."""
    name, what, data = _COLUMNS[column]
    return entry(
        f"rhvae_sensitivity_{name}",
        f"Riemannian Hamiltonian VAE of {what} in two dimensions, whose settings are varied",
        "evaluate",
        data=data,
        network=network(latent_dim=2),
        training=_TRAINING,
        flow=flow(5, 1e-2, ROOT_OF_BETA_ZERO),
        metric=metric(0.8, 1e-2, _NUM_SAMPLES),
        evaluation=EvaluationConfig(flow_repeats=1, curve_every=10),
        reported=_sensitivity_reported(_SENSITIVITY_REFERENCE[column]),
        notes=(
            *_NOTES,
            "Table 4 does not vary beta_0: 0.3, as in Sec. 4.2.1. Its ELBO is taken to be the negative bound, "
            "summed over the 30 held-out samples: its size fits.",
        ),
    )


def _sensitivity_reported(values: tuple[float, float, float]) -> Reported:
    return Reported(
        source="Table 4; Figures 15 to 18",
        log_likelihood=values[0],
        log_likelihood_std=values[1],
        negative_elbo_sum=values[2],
    )


def _hvae_study(column: int) -> Study:
    """The rows of Table 2 beside the entry's."""
    settings = []
    for (num_steps, step_size), values in _HVAES.items():
        if (num_steps, step_size) == _BEST_HVAE[column]:
            continue
        flow_config = _hvae_flow(num_steps, step_size)
        flags = tuple(
            f"--config.flow.{field}={getattr(flow_config, field)}"
            for field in ("num_steps", "step_size", "learn_step_size")
        )
        reported = Reported(
            source="Table 2", log_likelihood=values[column][0], log_likelihood_std=values[column][1]
        )
        size = "learned" if step_size is None else f"{step_size:g}"
        settings.append(Setting(f"n_lf={num_steps},epsilon={size}", flags, reported))
    return Study(
        f"chadebec2020/hvae_{_COLUMNS[column][0]}",
        "leapfrog",
        "How do the number and the size of leapfrog steps change log p(x) of an HVAE?",
        tuple(settings),
        table="2",
    )


def _sensitivity_study(column: int) -> Study:
    """The rows of Table 4 beside the entry's."""
    return Study(
        f"chadebec2020/rhvae_sensitivity_{_COLUMNS[column][0]}",
        "sensitivity",
        "How do n_lf, epsilon, T and lambda change log p(x) of an RHVAE?",
        tuple(
            Setting(f"{field}={value}", (f"--config.{field}={value}",), _sensitivity_reported(values[column]))
            for field, value, values in _SENSITIVITIES
        ),
        table="4",
    )


ENTRIES = (*_models(0), *_models(1), _sensitivity(0), _sensitivity(1))
STUDIES = (_hvae_study(0), _hvae_study(1), _sensitivity_study(0), _sensitivity_study(1))
