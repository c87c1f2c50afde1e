"""Reads manifests of the Prometheus operator by its published models: a value of a wrong kind or a key that the models
do not know is an error."""

import sys

import yaml
from cloudcoil.models.prometheus_operator import v1


def strangers(given, known, at):
    """Where what was given is not in what was understood of it."""
    if isinstance(given, dict):
        for key, value in given.items():
            yield from strangers(value, known[key], f"{at}.{key}") if key in known else [f"{at}.{key}"]
    elif isinstance(given, list):
        for number, pair in enumerate(zip(given, known)):
            yield from strangers(*pair, f"{at}[{number}]")
    elif given != known:
        yield f"{at}: {given} is understood as {known}"


wrong = []
for path in sys.argv[1:]:
    with open(path) as file:
        given = yaml.safe_load(file)
    understood = getattr(v1, given["kind"]).model_validate(given)
    wrong += strangers(given, understood.model_dump(by_alias=True, exclude_unset=True, mode="json"), path)
sys.exit("\n".join(wrong) or 0)
