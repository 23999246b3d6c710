"""JSON Schema of a scenario file, generated from the models, so that editors complete and check while one types.

    python -m twin.scenario.json_schema > scenarios/schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

from twin.scenario.schema import LIBRARIES, Scenario


def json_schema() -> dict[str, Any]:
    """JSON Schema of a scenario *file*: no key is required, for `extends` and the libraries may supply it."""
    schema = Scenario.model_json_schema(by_alias=True)
    for model in (schema, *schema["$defs"].values()):
        model.pop("required", None)
    schema["properties"] = {
        "extends": {"type": "string", "description": "Scenario this one overrides, relative to this file."},
        **schema["properties"],
    }
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "parktwin scenario"
    _allow_null(schema)
    return schema


def _allow_null(schema: dict[str, Any]) -> None:
    """null removes what was inherited: library entries and whole sections."""
    for name, prop in schema["properties"].items():
        if name in LIBRARIES:
            prop["patternProperties"] = {k: {"anyOf": [v, {"type": "null"}]} for k, v in prop["patternProperties"].items()}
            prop["additionalProperties"] = False


def schema_text() -> str:
    """The JSON Schema as it is published in `scenarios/schema.json`."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
