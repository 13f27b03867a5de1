"""Cards as people read them: prose and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Card", "card_text"]

# Rows of the table of what was measured; a card has all of them as JSON.
MAX_ROWS = 20


class Card(dict):
    """A card: a dictionary that prints as prose and tables."""

    def __str__(self) -> str:
        return card_text(self)

    def _repr_markdown_(self) -> str:  # for notebooks
        return card_text(self)


def card_text(card: Mapping[str, Any]) -> str:
    """Model, data, training, what was measured beside what is reported, and limits, as Markdown."""
    config = card["config"]
    parts = [
        f"# {card['entry']}",
        f"{_sentence(config.get('summary', ''))} {card.get('paper', '')}",
        f"**Model.** {_model(config)}",
        f"**Data.** {_data(config, card)}",
        f"**Training.** {_training(config, card)}",
        *_measured(card),
    ]
    notes = config.get("notes") or ()
    if notes:
        parts.append("**What the paper leaves open.**\n\n" + "\n".join(f"- {note}" for note in notes))
    shared = f" They are those of {config['model_of']}." if config.get("model_of") else ""
    parts.append(f"**Weights.** sha256 {card['sha256']}; licence Apache-2.0.{shared}{_storage(card)}")
    return "\n\n".join(part.strip() for part in parts)


def _storage(card: Mapping[str, Any]) -> str:
    """What fewer bits than single precision's cost, where weights are stored so."""
    storage = card.get("storage") or {}
    if storage.get("bits", 32) == 32:
        return ""
    changed = f"log p(x) by {storage['log_likelihood']:.2g} nats in the mean"
    if storage["distance"] is not None:
        changed += f" and distances by {100 * storage['distance']:.2g} % at most"
    return f" Large ones are stored in {storage['bits']} bits each, which changes {changed}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _model(config: Mapping[str, Any]) -> str:
    network = config["network"]
    filters = list(network.get("filters") or ())
    convolutions = f"-[convolutions {'-'.join(map(str, filters))}]" if filters else ""
    transposed = f"[transposed convolutions {'-'.join(map(str, filters[::-1]))}]-" if filters else ""
    hidden = ["".join(f"-{units}" for units in network[f"{part}_units"]) for part in ("encoder", "decoder")]
    data_dim, latent_dim = network["data_dim"], network["latent_dim"]
    encoder = f"{data_dim}{convolutions}{hidden[0]}-{latent_dim}"
    decoder = f"{latent_dim}{hidden[1]}-{transposed}{data_dim}"
    kind = "VAE"
    if config.get("flow"):
        kind = f"{'RHVAE' if config.get('metric') else 'HVAE'}, {config['flow']['num_steps']} leapfrog steps"
    elif config["training"].get("importance_samples"):
        kind = f"IWAE, K = {config['training']['importance_samples']}"
    likelihood = network.get("likelihood", "gaussian").replace("_", " ")
    text = f"{kind}; encoder {encoder}, decoder {decoder}, {network['activation']}; {likelihood} likelihood"
    variance, metric = config.get("variance"), config.get("metric")
    if variance:
        text += f", its precision of {variance['num_components']} {variance['kind']} components"
    if metric:
        text += f"; metric of {metric['num_centroids']} centroids, temperature {metric['temperature']}"
        text += f", regularization {metric['regularization']}"
    return text + "."


def _data(config: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    data = config["data"]
    text = data.get("path") or data["name"]
    if data.get("classes"):
        text += f", classes {', '.join(map(str, data['classes']))}"
    if card.get("data_sha256"):
        text += f"; sha256 of the samples {card['data_sha256'][:16]}..."
    return text + "."


def _training(config: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    training = config["training"]
    text = (
        f"At most {training['epochs']} epochs, batches of {training['batch_size']}, learning rate "
        f"{training.get('learning_rate', 1e-3):g}, seed {card.get('seed')}"
    )
    seconds = (card.get("seconds") or {}).get("train")
    if seconds:
        text += f"; {seconds:.0f} s"
    versions = card.get("versions") or {}
    text += f"; TensorFlow {versions.get('tensorflow', 'unknown')}."
    return f"{text} Made by\n\n    {card['command']}" if card.get("command") else text


def _measured(card: Mapping[str, Any]) -> Iterator[str]:
    """The tables: what all seeds measured, or the one there is, beside what the paper prints; studies."""
    over_seeds = card.get("measured_over_seeds") or {}
    seeds = over_seeds.get("seeds") or [card.get("seed")]
    measured = dict(_numbers(over_seeds)) or dict(_numbers(card.get("measured") or {}))
    reported = dict(_numbers(card.get("reported") or {}))
    # The paper's one log p(x) stands beside each of our estimates of it.
    beside = {name: reported.get(name, reported.get(name.rpartition(", ")[0], (None,)))[0] for name in measured}
    rows = sorted(measured, key=lambda name: beside[name] is None)
    if rows:
        source = (card.get("reported") or {}).get("source")
        plural = f"mean ± standard deviation of {len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}"
        yield f"**Measured**, {plural}{f', beside {source} of the paper' if reported and source else ''}."
        header = ["", "measured", "reported", "difference"] if reported else ["", "measured"]
        lines = [header, ["---"] * len(header)]
        for name in rows[:MAX_ROWS]:
            mean, spread = measured[name]
            cells = [
                name.replace("_", " "),
                _number(mean) + (f" ± {_number(spread)}" if spread is not None else ""),
            ]
            if reported:
                printed = beside[name]
                cells += ["", ""] if printed is None else [_number(printed), f"{mean - printed:+.3g}"]
            lines.append(cells)
        yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
        if len(rows) > MAX_ROWS:
            yield f"{len(rows) - MAX_ROWS} further numbers are in the card."
    for study in (card.get("studies") or {}).values():
        header, *body = study["table"]
        lines = [list(header), ["---"] * len(header), *body]
        yield f"**Study.** {study['question']}"
        yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
        if study.get("answer"):
            yield study["answer"]


def _numbers(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[float, float | None]]]:
    """Every number by its path, with its deviation where it has one."""
    for name, value in nested.items():
        if isinstance(value, Mapping):
            if set(value) == {"mean", "std"}:
                # Of estimates with an error of their own: over the seeds, the mean of their means.
                of_seeds = value["mean"] if isinstance(value["mean"], Mapping) else value
                yield prefix + name, (of_seeds["mean"], of_seeds["std"])
            else:
                yield from _numbers(value, f"{prefix}{name}, ")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield prefix + name, (value, None)


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
