"""Stories of split brains: who gives changes up, and who decides it."""

from __future__ import annotations

from connector.model import Mode
from connector.simulate.events import (
    ALPHA,
    BETA,
    LINK_BACK,
    LINK_CUT,
    mounts,
    recovers,
    typed,
    unmounts,
    writes,
)
from connector.simulate.steps import DB, MAIL, MAIL_BEGINS, Step, Story

_SPLIT_BRAIN = (
    Step(
        "Two nodes, two replicated resources. alpha is active, beta stands by.",
        (mounts(ALPHA, MAIL), mounts(ALPHA, DB)),
        in_brief=True,
    ),
    Step(
        "The link breaks. The cluster manager on beta takes over; alpha still lives.",
        (
            LINK_CUT,
            typed(BETA, "drbdadm primary mail"),
            mounts(BETA, MAIL),
            typed(BETA, "drbdadm primary db"),
            mounts(BETA, DB),
            writes(ALPHA, "mail", 7, "a letter delivered on alpha"),
            writes(BETA, "mail", 9, "a letter delivered on beta"),
            writes(ALPHA, "db", 3, "a row inserted on alpha"),
            writes(BETA, "db", 4, "a row inserted on beta", volume=1),
        ),
        adds="both nodes write: alpha to mail and db, beta to mail and db",
    ),
    Step("The link is back. DRBD sees two histories and keeps them apart.", (LINK_BACK,)),
    Step(
        "The cluster manager settles on alpha: beta's service is stopped.",
        (unmounts(BETA, MAIL), unmounts(BETA, DB)),
        in_brief=True,
    ),
)
_EVERY_MINUTE = "Cron runs `connector reconcile` on each node every minute."

SPLIT_BRAIN = Story(
    "split-brain",
    "In mode discard a split brain ends by itself: the standby gives its changes up, and the "
    "active node's are kept.",
    Mode.DISCARD,
    (MAIL, DB),
    (*_SPLIT_BRAIN, Step(_EVERY_MINUTE, minutes=12, until_together=True)),
)

SPLIT_BRAIN_RECONNECT = Story(
    "split-brain-reconnect",
    "In mode reconnect a split brain is left to a person: only the active node connects, and "
    "nothing is given up.",
    Mode.RECONNECT,
    (MAIL, DB),
    (*_SPLIT_BRAIN, Step(_EVERY_MINUTE, minutes=3)),
    left_to_a_person=(
        "In mode reconnect nothing was given up. A person decides:",
        "on beta:  connector recover mail --discard-my-data   (and db likewise)",
    ),
)

BOTH_IN_USE = Story(
    "both-in-use",
    "In a split brain with the service on both nodes connector gives nothing up: it asks for a "
    "person, who decides.",
    Mode.RECONNECT,
    (MAIL,),
    (
        MAIL_BEGINS,
        Step(
            "The link breaks. beta takes over while alpha still lives, and both write.",
            (
                LINK_CUT,
                typed(BETA, "drbdadm primary mail"),
                mounts(BETA, MAIL),
                writes(ALPHA, "mail", 3, "a letter delivered on alpha"),
                writes(BETA, "mail", 4, "a letter delivered on beta"),
            ),
        ),
        Step("The link is back. DRBD sees two histories and keeps them apart.", (LINK_BACK,)),
        Step("Cron on both nodes: after three attempts no more are made.", minutes=4),
        Step(
            "A person looks at both nodes, and decides that beta's changes go.",
            (
                unmounts(BETA, MAIL),
                recovers(BETA, "mail", discard=True),
                recovers(ALPHA, "mail", discard=False),
            ),
        ),
        Step("Cron's next minute: they are connected, and DRBD copies.", minutes=1),
    ),
)
