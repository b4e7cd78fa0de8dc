"""What an administrator installs on the nodes of the mail cluster, once; here after each boot."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from tests.lab.debian_packages import archive
from tests.lab.drbd_node import CHECKOUT, DrbdNode
from tests.lab.image import GUEST_FOLDER
from tests.lab.loaded import put_connector

from . import heartbeat

WHERE = "/srv/mail"
PID_FILE = "/run/mail-smtp.pid"
MOUNT = f"""\
[[resource.mail.mount]]
where = "{WHERE}"
type = "ext4"
options = "noatime"
[takeover]
holders = "kill"
"""
CONTRIB = CHECKOUT / "contrib/heartbeat"
OLD = Path(__file__).parent / "old"
RESOURCE_D = "/etc/ha.d/resource.d"
CRON_CLUSTER = '* * * * * root echo "$(uname -n)" >>/srv/mail/cluster-jobs\n'
# What root's own crontab holds, and must go on holding.
OWN_CRONTAB = "# 0 4 * * * a job of this node\n"
COMMAND = "/usr/local/sbin/connector"
TIMEOUT_S = 300.0


def prepare(node: DrbdNode, *, old: bool = False) -> None:
    """Install Heartbeat, its scripts, the mail service and cron. Raises as `run` does.

    With `old` the scripts are those that connector is compared with.
    """
    install_packages(node)
    put_connector(node, COMMAND)
    disk, services = (
        ("drbd-disk", "mail-services")
        if old
        else ("connector-resource::mail", f"connector-services::{WHERE}/etc")
    )
    scripts = [*OLD.iterdir()] if old else [*CONTRIB.glob("connector-*")]
    files = {
        "/etc/ha.d/ha.cf": heartbeat.ha_cf(),
        "/etc/ha.d/authkeys": heartbeat.AUTHKEYS,
        "/etc/ha.d/haresources": heartbeat.haresources(disk, services),
        "/etc/init.d/mail-smtp": init_script(),
        **{f"{RESOURCE_D}/{script.name}": script.read_text() for script in scripts},
    }
    node.run(
        _written(files) + f"mkdir -p {WHERE} && chmod 600 /etc/ha.d/authkeys\n"
        f"chmod 755 {RESOURCE_D}/* /etc/init.d/mail-smtp\n"
        "rm -f /var/log/ha-log /var/log/mail-smtp\n"
        # Of cron's jobs only those that are put there: the host's are no business of a node.
        "rm -f /etc/cron.d/*; : >/etc/crontab; pkill -x cron\n"
        f"printf %s {shlex.quote(OWN_CRONTAB)} | crontab - && cron",
        TIMEOUT_S,
        label=f"(Heartbeat's files, {'old' if old else 'connector'})",
    )


def install_packages(node: DrbdNode) -> None:
    """Copy Debian's packages into the node, with what their scripts would do."""
    node.run(
        # No ldconfig, which takes ten seconds: the loader looks where their libraries are anyway.
        f"tar -C / --keep-directory-symlink -xf {shlex.quote(str(archive()))}\n"
        "getent group haclient >/dev/null || echo haclient:x:899: >>/etc/group\n"
        "getent group crontab >/dev/null || echo crontab:x:898: >>/etc/group\n"
        "getent passwd hacluster >/dev/null ||"
        " echo hacluster:x:899:899::/var/lib/heartbeat:/bin/false >>/etc/passwd\n"
        "mkdir -p /run/heartbeat/rsctmp /run/resource-agents /var/lib/heartbeat/cores/hacluster",
        TIMEOUT_S,
        label="(Debian's packages)",
    )


def fill(node: DrbdNode) -> None:
    """Make what is on the replicated disk when the cluster begins: the service's own settings."""
    node.run(
        f"drbdadm primary mail && mount /dev/drbd0 {WHERE} && mkdir {WHERE}/etc &&"
        f" echo mail-smtp >{WHERE}/etc/services &&"
        f" printf %s {shlex.quote(CRON_CLUSTER)} >{WHERE}/etc/cron.cluster &&"
        f" umount {WHERE} && drbdadm secondary mail"
    )


def start_heartbeat(node: DrbdNode) -> None:
    """`/etc/init.d/heartbeat start`, as at boot."""
    node.run("/etc/init.d/heartbeat start", TIMEOUT_S)


def init_script() -> str:
    """Return /etc/init.d/mail-smtp, with this checkout's server and this Python."""
    text = (GUEST_FOLDER / "mail-smtp").read_text()
    server = GUEST_FOLDER / "smtp_server.py"
    filled = {"@PYTHON@": sys.executable, "@SERVER@": str(server), "@PID_FILE@": PID_FILE}
    for word, value in filled.items():
        text = text.replace(word, value)
    return text


def _written(files: dict[str, str]) -> str:
    return "".join(f"printf %s {shlex.quote(text)} >{path}\n" for path, text in files.items())
