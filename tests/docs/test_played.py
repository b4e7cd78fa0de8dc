"""Every block of a page that is played is a command or a file, or is refused."""

from __future__ import annotations

import pytest

from .played import HERE, Step, Written, parts, steps

PAGE = """\
Type:

```console
$ make it
made
alpha# one
both# two
out
…
```

`/etc/file`, on both:

```text
a line
```

```console
beta# three
```
"""


def test_commands_and_files_come_in_their_order() -> None:
    one, two = Step("alpha", "one", ()), Step("both", "two", ("out", "…"))
    three = Step("beta", "three", ())
    here = Step(HERE, "make it", ("made",))
    assert parts(PAGE) == [here, one, two, Written("both", "/etc/file", "a line\n"), three]
    assert steps(PAGE) == [one, two, three]


@pytest.mark.parametrize(
    "block",
    [
        "```text\nno place\n```\n",
        "`etc/file`, on both:\n\n```text\na line\n```\n",
        "`/etc/file`, on gamma:\n\n```text\na line\n```\n",
        "```console\noutput of nothing\n```\n",
    ],
)
def test_what_cannot_be_played_is_refused(block: str) -> None:
    with pytest.raises(ValueError, match=r"neither typed nor written|nothing is typed before"):
        parts(PAGE + block)
