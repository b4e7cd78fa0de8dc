"""The stories of `connector demo`: what happens to a pair, step by step, as data.

A step is a sentence, and below it what people type and what happens to the nodes, in the words of
an administrator. `connector.simulate.play` plays a story with the real agents.
"""

from __future__ import annotations

from connector.model import Mode
from connector.simulate.events import (
    ALPHA,
    BETA,
    LINK_BACK,
    LINK_CUT,
    boots,
    loses_power,
    mounts,
    pauses,
    resumes,
    typed,
    unmounts,
    writes,
)
from connector.simulate.split_brains import BOTH_IN_USE, SPLIT_BRAIN, SPLIT_BRAIN_RECONNECT
from connector.simulate.steps import MAIL, MAIL_BEGINS, Step, Story

CUT_WHILE_ALPHA_GOES_ON = Step(
    "The link breaks, and alpha's service goes on.",
    (LINK_CUT, writes(ALPHA, "mail", 3, "a letter during the cut")),
)


LINK_IS_CUT = Story(
    "link-cut",
    "While the link is cut both nodes wait; DRBD finds its peer again by itself, and connector "
    "runs no command.",
    Mode.RECONNECT,
    (MAIL,),
    (
        MAIL_BEGINS,
        CUT_WHILE_ALPHA_GOES_ON,
        Step("Cron's next minute: nothing to do but to wait.", minutes=1),
        Step("The link is mended. DRBD copies what beta has missed.", (LINK_BACK,)),
        Step("Cron's next minute: all is well.", minutes=1),
    ),
)

STANDBY_REBOOT = Story(
    "standby-reboot",
    "A standby that rebooted during a cut and was not told to connect is connected by connector, "
    "and gets what it has missed.",
    Mode.RECONNECT,
    (MAIL,),
    (
        MAIL_BEGINS,
        CUT_WHILE_ALPHA_GOES_ON,
        Step(
            "beta is rebooted. Its disk is attached, but nobody tells it to connect.",
            (
                loses_power(BETA),
                boots(BETA, connecting=False),
            ),
        ),
        Step("Cron's next minute: beta is told to connect, and waits for alpha.", minutes=1),
        Step("The link is mended. DRBD copies what beta has missed.", (LINK_BACK,)),
        Step("Cron's next minute: all is well.", minutes=1),
    ),
)

LEFT_OVER_PRIMARY = Story(
    "left-over-primary",
    "A Primary that nothing uses is demoted, but only after it has looked so for 90 seconds.",
    Mode.RECONNECT,
    (MAIL,),
    (
        MAIL_BEGINS,
        Step(
            "The link breaks. alpha's cluster manager stops the service, and forgets to demote.",
            (LINK_CUT, unmounts(ALPHA, MAIL)),
        ),
        Step("Cron on both nodes, every minute.", minutes=3),
        Step("The link is mended: two standbys, ready for either to take over.", (LINK_BACK,)),
        Step("Cron's next minute: all is well.", minutes=1),
    ),
)

TAKE_OVER_RACE = Story(
    "take-over-race",
    "A take-over that is not mounted yet looks like a left-over Primary: connector waits for the "
    "grace, and the take-over wins.",
    Mode.RECONNECT,
    (MAIL,),
    (
        MAIL_BEGINS,
        Step(
            "alpha loses its power. The cluster manager on beta begins to take over.",
            (loses_power(ALPHA), typed(BETA, "drbdadm primary mail")),
        ),
        Step("Its file system check takes a while. Cron on beta does not wait for it.", minutes=2),
        Step("The check is over.", (mounts(BETA, MAIL),)),
        Step("Cron's next minute: beta is the active node now.", minutes=1),
        Step(
            "alpha is back, and DRBD brings it up to date.",
            (boots(ALPHA, connecting=True),),
        ),
        Step("Cron's next minute: all is well.", minutes=1),
    ),
)

OPERATOR_DISCONNECT = Story(
    "operator-disconnect",
    "A disconnect by hand is left alone for an hour; after that connector connects again.",
    Mode.RECONNECT,
    (MAIL,),
    (
        MAIL_BEGINS,
        Step("Somebody disconnects beta, and goes.", (typed(BETA, "drbdadm disconnect mail"),)),
        Step("Cron's next minute: a person's word counts.", minutes=1),
        Step("Nearly an hour later it still does.", minutes=59, every=False),
        Step("The hour is over, and nobody has come back.", minutes=2, until_together=True),
    ),
)

PAUSE = Story(
    "pause",
    "A pause keeps connector's hands off: it looks and says what it sees, and acts when the pause "
    "is over.",
    Mode.RECONNECT,
    (MAIL,),
    (
        MAIL_BEGINS,
        Step(
            "beta's disk is to be replaced, which may take hours.",
            (
                pauses(BETA, "mail", hours=4, reason="disk is being replaced"),
                typed(BETA, "drbdadm disconnect mail"),
            ),
        ),
        Step(
            "Two hours later: without the pause it would be connected by now.",
            minutes=120,
            every=False,
        ),
        Step(
            "The work is done.",
            (resumes(BETA, "mail"),),
        ),
        Step("Cron's next minute.", minutes=2, until_together=True),
    ),
)

STORIES: dict[str, Story] = {
    story.name: story
    for story in (
        SPLIT_BRAIN,
        SPLIT_BRAIN_RECONNECT,
        LINK_IS_CUT,
        STANDBY_REBOOT,
        LEFT_OVER_PRIMARY,
        BOTH_IN_USE,
        TAKE_OVER_RACE,
        OPERATOR_DISCONNECT,
        PAUSE,
    )
}
