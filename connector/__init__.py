"""connector puts a two-node DRBD pair back together.

The way of the data: observe -> decide -> act -> report; `reconcile` is the page that calls them.
"""

__version__ = "0.1.0"
