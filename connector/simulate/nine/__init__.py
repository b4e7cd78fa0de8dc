"""A cluster of two or three DRBD 9 nodes in memory that speaks the same interfaces as the real one.

`SimulatedCluster` gives a `connector.world.World` for each node: a folder with /proc, debugfs and
/dev/kmsg as the kernel writes them, `drbdadm`, `drbdsetup status --json` and a clock. What it shows
is pinned to captures of real nodes (tests/simulate/nine).
"""

from connector.simulate.nine.cluster import SimulatedCluster
from connector.simulate.nine.configuration import ClusterResource
from connector.simulate.state import Refused

__all__ = ["ClusterResource", "Refused", "SimulatedCluster"]
