"""CloudFormation: moto's own makes half of the types and drops the rest in silence, so nothing of it is used.

A deployment calls the services' APIs through the gate, one resource after the other; README.md says more.
"""

from ..registry import ledger_ids
from . import descriptions, operations  # noqa: F401

# What the operations do together, row by row of LEDGER.md.
ledger_ids |= {f"cloudformation-{row}" for row in ("rollback", "updates", "refusals", "change-sets", "database", "sam")}
