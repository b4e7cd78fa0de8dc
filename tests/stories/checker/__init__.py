"""Was a story sound? What really ran and what is on the disks, against design.md's invariants.

Pure, and apart from the program under test: what checks must not share the mistakes of what is
checked. Each rule is a function that gives a sentence for each thing that must never be.
"""

from .findings import Lost
from .rules import lost, violations

__all__ = ["Lost", "lost", "violations"]
