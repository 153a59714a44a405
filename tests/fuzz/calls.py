"""What the fuzzer must know of calls beyond their documents."""

import schemathesis


@schemathesis.deserializer("text/event-stream")
def events(context, response):
    """A stream of events is a text, as its schema says."""
    return response.text


@schemathesis.deserializer("application/octet-stream")
def octets(context, response):
    return response.content.decode("latin-1")
