"""What can be tried of DRBD 9 without it, on two booted nodes that were given another module."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .drbd_9_modules import NAMES, built_modules
from .drbd_9_pair import Drbd9Pair
from .drbd_conf import drbd_conf
from .errors import ModulesUnfit
from .image import Image, image
from .packages import program
from .pair import Pair
from .plugin import booted

pytestmark = [pytest.mark.real_drbd, pytest.mark.soak]
# Debian's own module, which says in the node that it is another one.
VERSION, ANOTHER = b"8.4.11", b"8.4.99"
SIGNED = b"~Module signature appended~\n"


def from_image(built: Image, path: str) -> bytes:
    """A file of the image that a node boots from."""
    with built.initramfs.open("rb") as initramfs:
        done = subprocess.run(
            [program("cpio"), "--quiet", "-i", "--to-stdout", path],
            stdin=initramfs,
            capture_output=True,
            timeout=60,
            check=True,
        )
    return done.stdout


def unsigned(module: bytes) -> bytes:
    """The module without its signature: the kernel loads one without, and none with a wrong one."""
    signed = module.removesuffix(SIGNED)
    assert signed != module
    # The last four of twelve bytes say how long the signature before them is (module_signature.h).
    return signed[: -12 - int.from_bytes(signed[-4:], "big")]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the names of DRBD 9's modules; the second is only there to be put in order."""
    folder = tmp_path_factory.mktemp("given")
    debians = unsigned(from_image(image(), "modules/drbd.ko"))
    assert VERSION in debians
    (folder / NAMES[0]).write_bytes(debians.replace(VERSION, ANOTHER))
    (folder / NAMES[1]).write_bytes(from_image(image(), "modules/loop.ko"))
    return folder


@pytest.fixture(scope="module")
def own_pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A pair that was booted with them."""

    def make() -> Pair:
        folder: Path = request.getfixturevalue("given")
        return Pair(image(given=[folder / name for name in NAMES]))

    yield from booted(request, make)


def test_a_given_module_is_the_one_that_is_loaded(own_pair: Pair) -> None:
    for node in own_pair.nodes:
        assert node.proc_drbd().startswith(f"version: {ANOTHER.decode()} ")
    own_pair.reset()
    own_pair.wait_all("Connected")


def test_what_comes_with_it_is_loaded_after_it(own_pair: Pair, given: Path) -> None:
    built = image(given=[given / name for name in NAMES])
    order = from_image(built, "modules/order").decode().split()
    assert order[-1] == NAMES[1]
    assert order.index("libcrc32c.ko") < order.index(NAMES[0]) < order.index(NAMES[1])
    # Two modules of the name loop: the second is refused, so it was tried.
    assert all(f"lab: {NAMES[1]} was not loaded" in node.console() for node in own_pair.nodes)


def test_drbdadm_takes_the_configuration_that_drbd_9_gets(own_pair: Pair) -> None:
    node, conf = own_pair.alpha, "/run/lab/drbd-9.conf"
    node.install(conf, drbd_conf(node_ids=True))
    # drbd-utils take the version from there, and with -d only show what they would do.
    told = "DRBD_DRIVER_VERSION_OVERRIDE=9.2.12 drbdadm"
    up = node.run(f"{told} -c {conf} -d up all").stdout
    assert "drbdsetup new-resource mail 0\n" in up
    assert "drbdsetup new-peer mail 1 --_name=beta --protocol=C " in up
    assert "drbdsetup new-path db 1 ipv4:10.9.0.1:7789 ipv4:10.9.0.2:7789\n" in up
    made = node.run(f"{told} -c {conf} -d {Drbd9Pair.create_md.removeprefix('drbdadm ')}").stdout
    assert "drbdmeta 0 v09 /dev/vda internal create-md 2 --force\n" in made


def test_debians_own_are_not_taken_for_drbd_9(own_pair: Pair, given: Path) -> None:
    del own_pair  # what can be booted can still be the wrong one
    with pytest.raises(ModulesUnfit, match=r"drbd\.ko: version 8\.4\.99 is not 9: "):
        built_modules(given)
