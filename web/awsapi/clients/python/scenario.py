"""The scenario of all clients, and the server that they drive: TERCEL_CLIENTS is a file with it, see clients_test.go."""

import json
import os
import re
from pathlib import Path

SERVER = json.loads(Path(os.environ["TERCEL_CLIENTS"]).read_text())
SCENARIO = json.loads((Path(__file__).parent.parent / "scenario.json").read_text())
PATIENCE = 60  # seconds
ROLE = "arn:aws:iam::123456789012:role/any"


def filled(value, saved):
    """Puts what was saved in the place of its names."""
    if isinstance(value, str):
        return re.sub(r"\$([a-zA-Z]\w*)", lambda m: saved.get(m[1], m[0]), value)
    if isinstance(value, list):
        return [filled(v, saved) for v in value]
    if isinstance(value, dict):
        return {k: filled(v, saved) for k, v in value.items()}
    return value


def at(value, path):
    for step in path.split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError):
            return None
    return value
