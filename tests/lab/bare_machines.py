"""The pair as two bare Debian machines: no DRBD configured, nothing on the disks, packages by apt.

A node's root directory is thrown away when it loses its power, and a real machine's is not. So that
a story can crash a machine that it has installed, what is new in there is kept on a disk that no
other story uses, and comes back when the node boots.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from .debian_repository import repository, use_it_alone
from .drbd_node import DrbdNode
from .mail.setup import init_script
from .pair import Pair
from .two_nodes import DISK_MIB, DISKS, SPARE_DISK_MIB

PREPARE_TIMEOUT_S = 600.0
START_TIMEOUT_S = 300.0
PACKAGES = ("drbd-utils", "heartbeat", "cron", "openssh-server")
SPARE_DISK, SPARE_DEVICE = DISKS + 1, "/dev/vde"
SERVICE = "mail-smtp"
# The page's services that a machine may start when it boots, in the order of their units.
AT_BOOT = ("drbd", "cron", "heartbeat", SERVICE)
ROOT_KEY, HOST_KEY = "/root/.ssh/id_ed25519", "/etc/ssh/ssh_host_ed25519_key"
# Its part for PAM waits 25 s for a systemd that is not there.
SSHD = "/usr/sbin/sshd -o UsePAM=no"
LSB = """\
### BEGIN INIT INFO
# Provides: mail-smtp
# Required-Start: $network
# Required-Stop: $network
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
"""

BARE = f"""\
rm -rf /usr/sbin/policy-rc.d /etc/cron.d/* /root/.ssh /etc/ssh/ssh_host_* /etc/drbd.d/*.res
# An index of the host's manual pages takes an emulated processor minutes.
rm -f /var/lib/man-db/auto-update
find /var/lib/connector -mindepth 1 -delete
dpkg-query -W -f '${{Package}}\\n' | sort >/run/lab/packages
mkdir -p -m 700 /root/.ssh && mkdir -p /run/sshd
[ -x /usr/sbin/sshd ] || {{ apt-get update && apt-get install -y openssh-server; }} >&2 || exit 1
# Where apt has just installed the server, it has made a key, and ssh-keygen would ask about it.
rm -f {HOST_KEY}
for key in {ROOT_KEY} {HOST_KEY}; do ssh-keygen -q -t ed25519 -N '' -f $key || exit 1; done
cat {ROOT_KEY}.pub {HOST_KEY}.pub
"""
# The disk's end is for what has changed since.
CHANGED_MIB = SPARE_DISK_MIB - 16
KEEP = f"""\
touch /run/lab/kept
cd / && {{
    dpkg-query -W -f '${{Package}}\\n' | sort | comm -13 /run/lab/packages - | xargs dpkg -L
    find /etc /usr/lib/drbd-connector -cnewer /run/lab/first ! -type d
}} | sort -u | while read -r path; do [ -d "$path" ] || echo ".$path"; done >/run/lab/new
find ./root/.ssh ./var/lib/heartbeat ./srv -xdev ! -path './srv/mail/*' >>/run/lab/new
tar --no-recursion -cf - -T /run/lab/new | {{
    dd of={SPARE_DEVICE} bs=1M count={CHANGED_MIB} iflag=fullblock conv=notrunc,fsync &&
        [ "$(wc -c)" = 0 ]  # nothing is left that had no room
}}
"""
KEEP_CHANGED = f"""\
cd / && find ./etc ./usr/lib/drbd-connector ./var/lib/heartbeat ./srv -xdev \
    -cnewer /run/lab/kept ! -path './srv/mail/*' >/run/lab/new
tar --no-recursion -cf - -T /run/lab/new |
    dd of={SPARE_DEVICE} bs=1M seek={CHANGED_MIB} conv=notrunc,fsync status=none
"""
BRING_BACK = f"""\
tar -C / --keep-directory-symlink -xpf {SPARE_DEVICE} && ldconfig
dd if={SPARE_DEVICE} bs=1M skip={CHANGED_MIB} status=none |
    tar -C / --keep-directory-symlink -xpf -
mkdir -p /run/sshd && {SSHD}
for folder in heartbeat resource-agents; do systemd-tmpfiles --create $folder.conf; done
for name in {" ".join(AT_BOOT)}; do
    [ -e /etc/systemd/system/multi-user.target.wants/$name.service ] ||
        ls /etc/rc2.d/S[0-9][0-9]$name >/dev/null 2>&1 || continue
    service $name start
done
"""


class BareMachines:
    """Two machines as Debian's installer leaves them, with ssh between them and a mail service."""

    def __init__(self, pair: Pair) -> None:
        """Of a pair of the laboratory; `begin` takes it, `end` gives it back."""
        self.pair = pair

    def begin(self) -> None:
        """Wipe the disks and boot both. Raises LabError."""
        folder = repository(PACKAGES)
        for node in self.pair.nodes:
            node.kill()
            node.forget_installed()
            node.transcript.clear()
            for disk in range(DISKS):
                node.overwrite_disk(disk, bytes(DISK_MIB << 20))
        self.pair.boot_both_again()
        self.pair.restore_link()
        bare = use_it_alone(folder) + _mail_service() + BARE
        keys = self.pair.on_both(
            lambda node: node.run(bare, PREPARE_TIMEOUT_S, label="(bare)").stdout.splitlines()
        )
        known = [
            f"{node.name},{node.address} {host}"
            for node, (_, host) in zip(self.pair.nodes, keys, strict=True)
        ]
        root = [one for one, _ in keys]
        self.pair.on_both(
            lambda node: node.run(
                f"{_lines(root)} >/root/.ssh/authorized_keys\n"
                f"{_lines(known)} >/root/.ssh/known_hosts\n"
                # Without PAM root may not be locked.
                f"usermod -p '*' root && {SSHD}"
            )
        )

    def bring(self, file: Path) -> None:
        """Put a file of the host into /root of both."""
        self.pair.on_both(lambda node: node.run(f"cp {shlex.quote(str(file))} /root/"))

    def boot(self, node: DrbdNode) -> None:
        """Boot a machine that was kept, and start what is enabled there. Raises LabError."""
        node.boot_again()
        node.run(BRING_BACK, START_TIMEOUT_S, label="(what starts at boot)")

    def keep(self, node: DrbdNode) -> None:
        """Keep what was installed and configured for the next boot.

        It takes a minute or two, in which Heartbeat's beats would come late.
        """
        node.run(KEEP, PREPARE_TIMEOUT_S, label="(keep)")

    def keep_changed(self, node: DrbdNode) -> None:
        """Keep what has changed since `keep`, within a second or two."""
        node.run(KEEP_CHANGED, PREPARE_TIMEOUT_S, label="(keep what has changed)")

    def end(self) -> None:
        """Leave a pair that any other story can begin with."""
        for node in self.pair.nodes:
            node.kill()
            for size in (0, SPARE_DISK_MIB << 20):
                os.truncate(node.disks[SPARE_DISK], size)
        self.pair.boot_both_again()


def _lines(texts: Iterable[str]) -> str:
    return "printf '%s\\n' " + " ".join(shlex.quote(text) for text in texts)


def _mail_service() -> str:
    """The script that installs the service as a package would: enabled, but not started."""
    interpreter, *rest = init_script().splitlines(keepends=True)
    text = interpreter + LSB + "".join(rest)
    return (
        f"printf %s {shlex.quote(text)} >/etc/init.d/{SERVICE} && chmod 755 /etc/init.d/{SERVICE}"
        f" && update-rc.d {SERVICE} defaults || exit 1\n"
    )
