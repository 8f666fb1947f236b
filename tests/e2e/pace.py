"""Time: limits, stretched by BELFRY_SLOW for slow builds (sanitizers), and timestamps."""

import asyncio
import datetime
import os
import time

SLOW = float(os.environ.get("BELFRY_SLOW", "1"))


def scaled(seconds):
    """A time limit in seconds. Only for upper bounds: what a test waits for, not what it checks."""
    return seconds * SLOW


def unix_time(text):
    """Seconds since 1970 of an RFC 3339 time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def wait_until(is_true, what, limit=5.0, pause=0.02):
    """Waits until is_true() is; fails with `what` after the limit. Returns what it answered."""
    deadline = time.monotonic() + scaled(limit)
    while True:
        answer = is_true()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {scaled(limit):.1f} s: {what}"
        time.sleep(pause)


async def wait_until_async(is_true, what, limit=5.0):
    """The same inside of an event loop; is_true is called, never awaited."""
    deadline = time.monotonic() + scaled(limit)
    while True:
        answer = is_true()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {scaled(limit):.1f} s: {what}"
        await asyncio.sleep(0.02)
