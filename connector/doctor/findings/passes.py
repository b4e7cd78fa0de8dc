"""Who runs the passes, and does anybody."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings

# cron and the timer run one a minute, and so does a watch that nothing wakes.
OLDEST_S = 600.0
_CLOCK_SLACK_S = 5.0
_INSTALL_CRON = "install -o root -g root -m 0644 contrib/cron/connector /etc/cron.d/connector"


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """What is configured, and when the last pass ended."""
    for unseen in seen.schedule.unseen:
        yield NotLookedAt("a crontab", unseen.why)
    yield from _configured(seen)
    yield from _cron(seen)
    yield from _last_pass(seen)


def _configured(seen: Surroundings) -> Iterator[Finding]:
    schedule = seen.schedule
    by_cron = [line for line in schedule.cron if line.ignored is None]
    # A line that asks for the timer first steps back where that is enabled.
    active = [line for line in by_cron if schedule.timer is None or not line.guarded]
    runners = [line.place for line in active] + [schedule.timer] * (schedule.timer is not None)
    if len(runners) > 1:
        yield Finding(
            FindingId.SCHEDULED_TWICE,
            Severity.WARNING,
            f"passes are run by {' and by '.join(str(one) for one in runners[:5])}",
            "they meet each other's lock: every other one ends with exit status 75",
            "keep one: remove the line from the crontab, or systemctl disable --now "
            "connector.timer",
            where=runners[0],
        )
    if runners or schedule.watch is not None or (schedule.unseen and not by_cron):
        return
    yield Finding(
        FindingId.NOTHING_RUNS_PASSES,
        Severity.WARNING if _lately(seen) else Severity.CRITICAL,
        f"no crontab, timer or watch that runs passes was found{_yet(seen)}",
        "nobody looks at this pair, and nothing heals it",
        f"{_INSTALL_CRON}, or systemctl enable --now connector-watch.service",
    )


def _cron(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    for line in seen.schedule.cron:
        if line.ignored is not None:
            yield Finding(
                FindingId.CRON_FILE_IGNORED,
                Severity.CRITICAL,
                f"cron does not take {line.file}: {line.ignored}",
                "the line in it never runs",
                _INSTALL_CRON,
                where=line.place,
            )
    by_cron = [line for line in seen.schedule.cron if line.ignored is None]
    if not by_cron or seen.schedule.timer is not None:
        return
    if isinstance(seen.running, Unseen):
        yield NotLookedAt("whether cron runs", seen.running.why)
    elif not seen.running.cron:
        yield Finding(
            FindingId.CRON_NOT_RUNNING,
            Severity.WARNING if _lately(seen) else Severity.CRITICAL,
            f"{by_cron[0].place} is there, but no cron runs{_yet(seen)}",
            "the line never runs",
            "apt install cron && systemctl enable --now cron",
            where=by_cron[0].place,
        )


def _age_s(seen: Surroundings) -> float | None:
    last = seen.last_pass
    return None if last is None or isinstance(last, Unseen) else seen.wall_s - last.at_wall_s


def _lately(seen: Surroundings) -> bool:
    """Whether a pass ended lately, whoever started it (systemd-cron, say, is no process)."""
    age_s = _age_s(seen)
    return age_s is not None and age_s < OLDEST_S


def _yet(seen: Surroundings) -> str:
    return (
        ", yet a pass ended lately: by hand, or in a way that is not looked for"
        if _lately(seen)
        else ""
    )


def _last_pass(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    if isinstance(seen.last_pass, Unseen):
        yield NotLookedAt("when the last pass ended", seen.last_pass.why)
        return
    age_s = _age_s(seen)
    if age_s is not None and age_s < -_CLOCK_SLACK_S:
        yield Finding(
            FindingId.CLOCK_SET_BACK,
            Severity.WARNING,
            f"the last pass ended {-age_s:.0f} s in the future",
            "the clock was set back: times in the journal, the metrics and the logs mislead",
            "timedatectl (is the clock synchronised?); the next pass writes a new time",
            where=str(seen.settings.last_pass_file),
        )
    elif seen.boot_s < OLDEST_S and (age_s is None or age_s > OLDEST_S):
        yield NotLookedAt(
            "whether passes run",
            f"this node has been up for {seen.boot_s:.0f} s only",
            counts=False,
        )
    elif age_s is None or age_s > OLDEST_S:
        ended = "no pass has ended here yet" if age_s is None else _ended(age_s)
        yield Finding(
            FindingId.PASSES_STOPPED,
            Severity.CRITICAL,
            ended,
            f"one a minute is expected: nothing runs passes for more than {OLDEST_S / 60:.0f} "
            "minutes, whatever is configured",
            "connector reconcile, to see whether it works; then: journalctl -t connector; "
            "systemctl status cron connector.timer connector-watch",
            where=str(seen.settings.last_pass_file),
        )


def _ended(age_s: float) -> str:
    minutes = age_s / 60
    shown = f"{minutes:.0f} minutes" if minutes < 180 else f"{minutes / 60:.0f} hours"
    return f"the last pass ended {shown} ago"
