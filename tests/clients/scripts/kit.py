"""What every script shares: its settings from the command line, and findings as JSON lines for the judge."""

import json
import signal
import sys
import time

signal.alarm(100)  # a script that hangs ends here
SETTINGS = json.loads(sys.argv[1])


def say(step, **fields):
    """One finding: `step` names it, the fields are for the judge."""
    print(json.dumps({"step": step, **fields}), flush=True)


def address(venue, kind):
    """Base address of a venue: kind is `ws` or `rest`."""
    return SETTINGS["venues"][venue][kind]


def until(what, fits, seconds=5):
    """Polls until `fits` returns something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = fits()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(what)
