"""What the fuzzer must know of the API beyond its document."""

import schemathesis


@schemathesis.hook
def map_headers(context, headers):
    """A revision far ahead waits for five seconds and is answered 503, rightly."""
    revision = str((headers or {}).get("X-Foldgate-Min-Revision", ""))
    if revision.isdigit():
        headers["X-Foldgate-Min-Revision"] = str(min(int(revision), 1))
    return headers
