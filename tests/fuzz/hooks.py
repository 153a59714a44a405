"""What the fuzzer must know of the API beyond its document: what a schema cannot say.

Only values that the document allows are touched, so that what it forbids is still sent.
"""

import re

import schemathesis

UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
CURSOR = re.compile(r"[A-Za-z0-9_-]{28}")
NUMBER = re.compile(r"[0-9]+")

# Pages of the older history end at this entry.
MAX_COUNTED = 10_000


@schemathesis.hook
def map_case(context, case):
    """All phases come by here, unlike `map_headers` and `map_query`."""
    mend_headers(case)
    mend_query(case)
    return case


def mend_headers(case):
    """A revision far ahead waits for five seconds and is answered 503, rightly."""
    revision = str((case.headers or {}).get("X-Foldgate-Min-Revision", ""))
    if NUMBER.fullmatch(revision) and int(revision) > 1:
        case.headers["X-Foldgate-Min-Revision"] = "1"


def mend_query(case):
    """A place to go on from must be one that an answer gave; a page must be in reach."""
    query = case.query
    if not query:
        return
    for name, form in (("after", UUID), ("cursor", CURSOR)):
        if form.fullmatch(str(query.get(name, ""))):
            del query[name]
    page, size = str(query.get("page", "")), str(query.get("size", "20"))
    if case.operation.path == "/dashboard/logs" and NUMBER.fullmatch(page) and NUMBER.fullmatch(size):
        query["page"] = min(int(page), MAX_COUNTED // max(int(size), 1))
