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
def map_headers(context, headers):
    """A revision far ahead waits for five seconds and is answered 503, rightly."""
    revision = str((headers or {}).get("X-Foldgate-Min-Revision", ""))
    if revision.isdigit():
        headers["X-Foldgate-Min-Revision"] = str(min(int(revision), 1))
    return headers


@schemathesis.hook
def map_query(context, query):
    """A place to go on from must be one that an answer gave; a page must be in reach."""
    if not isinstance(query, dict):
        return query
    for name, form in (("after", UUID), ("cursor", CURSOR)):
        if form.fullmatch(str(query.get(name, ""))):
            del query[name]
    page, size = str(query.get("page", "")), str(query.get("size", "20"))
    if context.operation.path == "/dashboard/logs" and NUMBER.fullmatch(page) and NUMBER.fullmatch(size):
        query["page"] = min(int(page), MAX_COUNTED // max(int(size), 1))
    return query
