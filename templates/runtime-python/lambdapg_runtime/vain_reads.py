"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import time

_FIRST_QUIET_S = 0.05
_LONGEST_QUIET_S = 1.0
"""What works again is noticed so much later, at most."""
_FORGET_AFTER_S = 30.0
"""What was in vain so long ago says nothing about now."""
_MOST_ROUNDS_OF_ALL = 2
"""A value that a rotation is about to use stands in the store before the database has it."""
_LATER_ALL_EACH = 10


class VainReads:
    """Bounds what a password costs that is wrong for good: a store that gave once more what the server refuses is left
    alone, for longer each time, across invocations. At first it is asked as often as a login is tried, later once a
    second."""

    def __init__(self) -> None:
        self._count = 0
        self._last_at = 0.0

    def may_read(self) -> bool:
        since = time.time() - self._last_at
        # Less than nothing: the clock was set.
        return since < 0 or since >= min(_LONGEST_QUIET_S, _FIRST_QUIET_S * 2 ** min(self._count, 10))

    def may_read_others(self) -> bool:
        """After a read of the current value: whether the others are worth one as well."""
        return self._count <= _MOST_ROUNDS_OF_ALL or self._count % _LATER_ALL_EACH == 0

    def note(self, found: bool) -> None:
        """A read has given something new, or not."""
        now = time.time()
        self._count = 0 if found or now - self._last_at > _FORGET_AFTER_S else self._count + 1
        self._last_at = 0.0 if found else now
