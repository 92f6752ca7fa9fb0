"""What can stop the gateway. What the world sends never does: that is a verdict (admit.py).

Stopped
├── Corrupt   the ledger is not what it was; nothing is written until someone has looked at it
├── Busy      another process holds what only one may hold
└── Unfit     a key or a file that was given does not fit the ledger
"""


class Stopped(Exception):
    """The gateway cannot go on. The message is one line fit for an operator."""


class Corrupt(Stopped):
    """The ledger is not what it was: restore it from its backup, or recover it under a new origin."""


class Busy(Stopped):
    """Another process writes this ledger."""


class Unfit(Stopped):
    """A key or a file that was given does not fit the ledger."""
