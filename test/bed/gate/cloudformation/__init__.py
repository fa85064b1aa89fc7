"""CloudFormation: moto's own makes half of the types and drops the rest in silence, so nothing of it is used.

A deployment calls the services' APIs through the gate, one resource after the other; README.md says more.
"""

from . import descriptions, operations  # noqa: F401
