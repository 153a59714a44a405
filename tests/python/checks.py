"""What the scripts that drive an SDK have in common."""

import base64
import json
import os

# The models of each vendor: {"vendor", "model", "tokens"}; with "-limited", "-refused"
# or "-overloaded" behind its name a model has that misfortune.
VENDORS = json.loads(os.environ.get("FOLDGATE_VENDORS", "[]"))
KEY = os.environ["FOLDGATE_KEY"]
BASE_URL = os.environ["FOLDGATE_BASE_URL"]

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
SAID = "hello | Be brief. | image/png"


def raises(kind, status, call):
    """The error of a call that must fail, of exactly this class."""
    try:
        call()
    except Exception as error:
        assert type(error) is kind, f"{type(error)}: {error}"
        assert error.status_code == status, (error.status_code, error)
        return error
    raise AssertionError(f"{kind} was not raised")


def run(checks, vendors=({},)):
    """Runs each check for each vendor; the first failure ends the script."""
    for vendor in vendors:
        for check in checks:
            named = f"{check.__name__} {vendor.get('vendor', '')}"
            try:
                check(vendor) if vendor else check()
            except BaseException:
                print(named, "failed", flush=True)
                raise
            print(named, "ok", flush=True)
    print("all checks passed")
