"""What happened on both nodes of a pair, drawn along the time, for whoever has to find out why.

`history` reads a recording: `kernel`, `programs` and `story` are who wrote its lines, `states` what
the kernel's lines add up to, `spans` what all is read into. `draw` makes an SVG `picture` of that.
"""

from .picture import draw
from .reading import history

__all__ = ["draw", "history"]
