"""A whole recording, read."""

from __future__ import annotations

from .builders import SPLIT, band, bands, kernel, mark
from .reading import history
from .spans import Group, History, Kind, Lane, Look, Span


def test_all_that_happened_is_told() -> None:
    unresolved = "mail: Split-Brain detected but unresolved, dropping connection!"
    alpha = (
        Lane(
            "mail use",
            Kind.BANDS,
            (
                band(0, 3, "Secondary", Look.SECONDARY),
                band(3, 4, "Primary", Look.PRIMARY),
                band(4, 20, "Primary, mounted", Look.MOUNTED),
            ),
        ),
        Lane("mail writes", Kind.TICKS, (mark(5, "alpha-00001 on drbd0"),)),
        Lane("kernel", Kind.MARKS, (mark(4, "drbd0 mounted", Look.QUIET),)),
    )
    between = (
        Lane(
            "story",
            Kind.MARKS,
            (
                mark(0, "link cut", Look.ALARM),
                mark(3, "alpha: drbdadm primary mail"),
                mark(6, "link restored"),
            ),
        ),
        Lane(
            "link",
            Kind.BANDS,
            (band(0, 6, "cut", Look.STANDALONE), band(6, 20, "up", Look.HEALTHY)),
        ),
    )
    command = "drbdadm connect --discard-my-data mail (run by pass 735)"
    beta = (
        Lane(
            "mail connection",
            Kind.BANDS,
            (
                band(0, 1, "Connected", Look.HEALTHY),
                band(1, 2, "NetworkFailure", Look.WAITING),
                band(2, 8, "WFConnection", Look.WAITING),
                band(8, 13, "StandAlone", Look.STANDALONE),
                band(13, 20, "SyncTarget", Look.SYNCING),
            ),
        ),
        Lane("kernel", Kind.MARKS, (mark(7, unresolved, Look.ALARM),)),
        Lane(
            "passes",
            Kind.MARKS,
            (
                Span(
                    10,
                    14,
                    "exit 3, 4.0 s",
                    Look.ALARM,
                    "pass 735 (reconcile --json): exit 3, 4.0 s",
                ),
            ),
        ),
        Lane(
            "drbdadm by a pass",
            Kind.MARKS,
            (mark(12, "connect --discard-my-data mail", detail=command),),
        ),
        Lane(
            "decided",
            Kind.MARKS,
            (
                mark(15, "mail: reconnect-standby, held by evidence, grace"),
                mark(20, "db: healthy", Look.QUIET),
            ),
        ),
    )

    assert history(SPLIT) == History(
        20, (Group("alpha", alpha), Group("between", between), Group("beta", beta))
    )


def test_a_recording_may_call_other_resources_and_minors_so() -> None:
    told = history([kernel(0, "n", "block drbd7: conn( Connected -> X ) "), SPLIT[0]], {7: "web"})

    assert bands(told, "n", "web connection") == [(0, 100, "X", Look.WAITING)]
