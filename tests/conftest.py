"""What all tests share: the laboratory's fixtures, of which most tests need none."""

pytest_plugins = ("tests.lab.plugin",)
