"""What may be filed through the spool: a table from a filing's kind to what it must say and the entry it becomes.

In: nothing. Out: `KINDS`, for the gateway that works the spool off and for the commands that fill it.
"""

from gateway import acknowledgement, anchor_filing, key_filing, late_batch, manual_filing
from gateway.spool import Kinds

KINDS: Kinds = {
    "acknowledgement": acknowledgement.KIND,
    "late_batch": late_batch.KIND,
    **manual_filing.KINDS,
    **key_filing.KINDS,
    **anchor_filing.KINDS,
}
