"""Whether the agent's key is there to sign with: one in a token may be gone for a while.

In: a key. Out: yes or no; the log is told once when it goes and once when it is back. A key from a file is there.
"""

import logging

from contract import keys

log = logging.getLogger("metertrail.agent")


class KeyWatch:
    """Remembers what was told last."""

    def __init__(self) -> None:
        self._was_there = True

    def is_there(self, key: keys.PrivateKey) -> bool:
        """Try the key, before anything that must be signed as a whole is begun."""
        if isinstance(key, keys.FileKey):
            return True
        try:
            keys.sign(key, b"is this key there?")  # no Sig_structure, so it proves nothing else
        except keys.Unavailable as error:
            if self._was_there:
                log.error("agent.token: %s: readings are kept, and sealed when it is back", error)  # noqa: TRY400
            self._was_there = False
            return False
        if not self._was_there:
            log.info("agent.token: there again")
        self._was_there = True
        return True
