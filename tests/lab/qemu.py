"""The command line of a node's virtual machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .image import Image
from .packages import program

MEMORY_MIB = 512
KERNEL_PARAMETERS = (
    "console=ttyS0 loglevel=7 panic=-1 printk.devkmsg=on net.ifnames=0 mitigations=off"
)


@dataclass(frozen=True)
class Wiring:
    """The descriptors of the sockets that the machine inherits."""

    agent_fd: int
    monitor_fd: int
    link_fd: int
    lan_fd: int

    @property
    def descriptors(self) -> tuple[int, int, int, int]:
        """All of them, for `pass_fds`."""
        return self.agent_fd, self.monitor_fd, self.link_fd, self.lan_fd


def command_line(
    name: str,
    address: str,
    *,
    image: Image,
    wiring: Wiring,
    console: Path,
    record: Path,
    disks: Sequence[Path],
) -> list[str]:
    """Return the command that boots a node: raw `disks` become /dev/vda, /dev/vdb, …"""
    last_octet = int(address.rpartition(".")[2])
    arguments = [
        # A test run that is killed must not leave a machine behind.
        *[program("setpriv"), "--pdeathsig", "KILL", program("qemu-system-x86_64")],
        # Emulation, even where /dev/kvm exists: nested ones do not boot a stock kernel.
        *["-accel", "tcg", "-M", "pc", "-cpu", "max", "-m", str(MEMORY_MIB)],
        *["-nodefaults", "-display", "none", "-no-reboot"],
        *["-kernel", str(image.kernel), "-initrd", str(image.initramfs)],
        "-append",
        f"{KERNEL_PARAMETERS} lab.name={name} lab.address={address} lab.python={sys.executable}",
        *["-chardev", f"file,id=console,path={console},append=on"],
        *["-serial", "chardev:console"],
        *["-chardev", f"file,id=record,path={record},append=on"],
        *["-serial", "chardev:record"],
        *["-chardev", f"socket,id=monitor,fd={wiring.monitor_fd}"],
        *["-mon", "chardev=monitor,mode=control"],
        *["-device", "virtio-serial-pci"],
        *["-chardev", f"socket,id=agent,fd={wiring.agent_fd}"],
        *["-device", "virtserialport,chardev=agent"],
        # multidevs=remap: without it, what is mounted inside the host's / is out of reach.
        "-fsdev",
        "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
        *["-device", "virtio-9p-pci,fsdev=host,mount_tag=host"],
        *_card("link", wiring.link_fd, "nic", f"52:54:00:09:00:{last_octet:02x}"),
        *_card("lan", wiring.lan_fd, "lan-nic", f"52:54:00:09:01:{last_octet:02x}"),
    ]
    for number, disk in enumerate(disks):
        arguments += [
            "-drive",
            f"if=none,id=disk{number},file={disk},format=raw,cache=unsafe,discard=unmap",
            *["-device", f"virtio-blk-pci,drive=disk{number}"],
        ]
    return arguments


def _card(network: str, descriptor: int, device: str, mac: str) -> list[str]:
    """A network card (eth0 is the first), plugged into a socket."""
    return [
        *["-netdev", f"dgram,id={network},local.type=fd,local.str={descriptor}"],
        *["-device", f"virtio-net-pci,id={device},netdev={network},romfile=,mac={mac}"],
    ]
