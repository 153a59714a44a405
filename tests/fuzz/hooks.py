"""What the fuzzer must know of the API beyond its document: what a schema cannot say.

Only values that the document allows are touched, so that what it forbids is still sent.
"""

import re
import uuid

import schemathesis
from schemathesis.generation.meta import TestPhase

GREATEST_REVISION = 2**64 - 1
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
CURSOR = re.compile(r"[A-Za-z0-9_-]{28}")
NUMBER = re.compile(r"[0-9]+")

# Pages of the older history end at this entry.
MAX_COUNTED = 10_000
PAGE_SIZE = 24

FUTURE = "2100-01-01T00:00:00Z"


@schemathesis.hook
def before_call(context, case, kwargs):
    """All phases come by here, unlike `map_headers` and its like, and with what links
    brought."""
    mend_headers(case)
    mend_query(case)
    if case.meta is not None and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        mend_body(case.body)
        if case.operation.path.startswith("/admin/v1/guardrails"):
            mend_expressions(case.body)


def mend_headers(case):
    """A revision far ahead waits for five seconds and is answered 503, rightly; and what
    later requests live on is there."""
    if case.headers and not reads(case) and goes_on(case, "If-None-Match"):
        case.headers.pop("If-None-Match", None)
    revision = str((case.headers or {}).get("X-Foldgate-Min-Revision", ""))
    if NUMBER.fullmatch(revision) and 1 < int(revision) <= GREATEST_REVISION:
        case.headers["X-Foldgate-Min-Revision"] = "1"


def mend_query(case):
    """A place to go on from must be one that an answer gave; a page must be in reach."""
    query = case.query
    if not query:
        return
    if str(query.get("dry_run")) in ("true", "True", "1", "") and goes_on(case, "dry_run"):
        del query["dry_run"]
    for name, form in (("after", UUID), ("cursor", CURSOR)):
        if form.fullmatch(str(query.get(name, ""))):
            del query[name]
    page, size = str(query.get("page", "")), str(query.get("size", PAGE_SIZE))
    if case.operation.path == "/dashboard/logs" and NUMBER.fullmatch(page) and NUMBER.fullmatch(size):
        query["page"] = min(int(page), MAX_COUNTED // max(int(size), 1))
    allowed = case.meta is not None and case.meta.generation.mode.is_positive
    if case.operation.path in ("/dashboard/bill", "/x-bill") and allowed:
        one_way_to_name_days(query)


def one_way_to_name_days(query):
    """A bill's days are named in one way, and end where they do not begin later."""
    named = [name for name in ("date", "start", "days") if query.get(name)]
    for name in named[1:]:
        del query[name]
    if query.get("end"):
        if named[:1] == ["start"]:
            query["end"] = query["start"]
        else:
            del query["end"]
    elif named[:1] == ["start"]:
        del query["start"]


def reads(case):
    return case.method.upper() in ("GET", "HEAD")


def goes_on(case, parameter):
    """Whether later requests live on what this one makes, and it is not about this very
    parameter: the coverage phase would make dry runs of all that it can, the stateful one
    of half."""
    if case.meta is None:
        return False
    phase = case.meta.phase
    if phase.name == TestPhase.COVERAGE:
        return phase.data.parameter != parameter
    return phase.name == TestPhase.STATEFUL


def mend_body(body):
    """Of a body that the document allows: what depends on the clock, on what is there
    already, or on another field."""
    for name in ("expires_at", "ExpiresAt"):
        if body.get(name) is not None:
            body[name] = FUTURE
    # An id that stays as it is, and an account that nobody made.
    for name in ("ID", "team_id"):
        if name in body:
            body[name] = None
    if str(body.get("applies_to", "")).startswith("api_key:"):
        body["applies_to"] = "all"
    # A tenant's key is nobody else's.
    if "name" in body and isinstance(body.get("key"), str):
        body["key"] = f"sk-fuzz-tenant-{uuid.uuid4()}"
    # Two spellings of one name.
    if body.get("name") is not None and body.get("display_name") is not None:
        body["display_name"] = body["name"]
    # Each star of the upstream's name is filled by one of the Model's.
    if isinstance(body.get("model_name"), str):
        if body["model_name"].count("*") > body["display_name"].count("*"):
            body["model_name"] = body["model_name"].replace("*", "x")
    mend_provider(body)


def mend_provider(body):
    """Addresses may be reserved, ports of names too great; Vertex's templates and
    locations belong to one host, and its adapter to a key that is Vertex's already."""
    for name in ("Provider", "api_base"):
        if isinstance(body.get(name), str) and "aiplatform" not in body[name]:
            body[name] = "https://api.example.com/v1"
    if isinstance(body.get("Config"), dict):
        for name in ("base_url", "location"):
            body["Config"].pop(name, None)
    if body.get("adapter") == "vertex":
        body["adapter"] = "openai"


# A list of regular expressions, wherever it stands.
EXPRESSIONS = ("candidate_patterns", "negative_patterns")


def mend_expressions(value):
    """Regular expressions must parse, and together take little memory; a piece overlaps
    the next by less than its size."""
    for inner in value if isinstance(value, list) else value.values():
        if isinstance(inner, (dict, list)):
            mend_expressions(inner)
    if isinstance(value, list):
        return
    for name in EXPRESSIONS:
        if isinstance(value.get(name), list):
            value[name] = ["a+"] * len(value[name])
    if "regex" in value:
        value["regex"] = "a+"
    if value.get("kind") == "regex":
        value["value"] = "a+"
    if "window_size" in value or "window_overlap_size" in value:
        value["window_overlap_size"] = 0
