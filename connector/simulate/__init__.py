"""A two-node DRBD 8.4 pair in memory that speaks the same interfaces as the real thing.

`SimulatedPair` gives a `connector.world.World` for each node: a folder with /proc, /sys and
/dev/kmsg as the kernel writes them, a `drbdadm` and a clock. The production code runs on it
unchanged. What it shows is pinned to captures of two real nodes (tests/simulate).
"""

from connector.simulate.configuration import SimulatedResource
from connector.simulate.pair import SimulatedPair
from connector.simulate.state import Refused

__all__ = ["Refused", "SimulatedPair", "SimulatedResource"]
