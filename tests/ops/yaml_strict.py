"""Parses YAML files; a key that stands twice is an error, which plain parsers pass over."""

import sys

import yaml


class Strict(yaml.SafeLoader):
    pass


def mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise yaml.constructor.ConstructorError(None, None, f"twice: {sorted(twice)}", node.start_mark)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)

for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as text:
        documents = list(yaml.load_all(text, Loader=Strict))
    assert documents and all(documents), f"{path}: an empty document"
