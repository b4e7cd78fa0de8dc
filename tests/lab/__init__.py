"""A laboratory of real DRBD: two virtual machines joined by one link that can be cut.

The host needs no DRBD module, no KVM and no network: the machines run Debian's stock kernel in
software emulation and see the host's root directory, this checkout included, read-only.

`packages` says what the host must have, `image` builds what the machines boot, `node` is one
machine, `drbd_node` a machine that speaks DRBD's vocabulary, `pair` the two of them.
"""
