"""What the stateful phase must know besides what all phases know."""

import schemathesis

from hooks import *  # noqa: F403


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Without this header: the fuzzer takes `X-Request-Id` for the id of a request, which
    nothing makes, and so nearly every operation for one that cannot begin a chain."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            parameters = operation.get("parameters", [])
            operation["parameters"] = [p for p in parameters if p.get("$ref", "").rpartition("/")[2] != "RequestId"]
