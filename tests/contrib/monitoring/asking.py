"""Questions to Prometheus's HTTP API, each with a limit of time and size."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode

ANSWER_S = 20.0
WAIT_S = 60.0
_LARGEST_BYTES = 20_000_000
_POLL_S = 0.1
# Whatever proxy the environment names, it is not asked for what runs on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Labels = dict[str, str]


class NotAnswered(Exception):
    """Nothing that listens, an error, or too large an answer."""


class Http:
    """What answers below a URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **given: str | float) -> bytes:
        """The body of a good answer; NotAnswered where there is none."""
        url = f"{self._url}{path}" + (f"?{urlencode(given)}" if given else "")
        try:
            with _OPENER.open(url, timeout=ANSWER_S) as answer:
                body: bytes = answer.read(_LARGEST_BYTES + 1)
        except URLError as error:
            # An answer of Prometheus says in its body what was wrong with the question.
            said = error.read(1000).decode(errors="replace") if hasattr(error, "read") else ""
            raise NotAnswered(f"{url}: {error} {said}") from error
        except OSError as error:
            raise NotAnswered(f"{url}: {error}") from error
        if len(body) > _LARGEST_BYTES:
            raise NotAnswered(f"{url}: more than {_LARGEST_BYTES} bytes")
        return body


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: labels, and points of (seconds since 1970, value), oldest first."""

    labels: Labels
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.points[-1][1]


class Api:
    """The API of one Prometheus. Every question raises NotAnswered where that is so."""

    def __init__(self, url: str) -> None:
        self._http = Http(url)

    def _asked(self, name: str, **given: str | float) -> Any:
        answer = json.loads(self._http.get(f"/api/v1/{name}", **given))
        if answer["status"] != "success":
            raise NotAnswered(f"{name}: {answer.get('error')}")
        return answer["data"]

    def query(self, expression: str, at_s: float | None = None) -> list[Series]:
        """The value of each series of the expression now, or at that moment."""
        moment = {} if at_s is None else {"time": at_s}
        data = self._asked("query", query=expression, **moment)
        if data["resultType"] != "vector":
            raise NotAnswered(f"{expression!r} is a {data['resultType']}, no vector")
        return [Series(one["metric"], _points([one["value"]])) for one in data["result"]]

    def query_range(
        self, expression: str, *, from_s: float, to_s: float, step_s: float
    ) -> list[Series]:
        """The values of each series of the expression over a time, both ends included."""
        data = self._asked("query_range", query=expression, start=from_s, end=to_s, step=step_s)
        return [Series(one["metric"], _points(one["values"])) for one in data["result"]]

    def alerts(self) -> list[dict[str, Any]]:
        """All alerts that are pending or firing."""
        return list(self._asked("alerts")["alerts"])

    def rules(self) -> list[dict[str, Any]]:
        """All rules of all groups, with their health and last error."""
        return [rule for group in self._asked("rules")["groups"] for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        """All targets that are scraped, with their health and last error."""
        return list(self._asked("targets")["activeTargets"])

    def metadata(self, job: str) -> dict[str, dict[str, str]]:
        """What the job's targets say of each metric: its `type`, `help` and `unit`."""
        found = self._asked("targets/metadata", match_target=f'{{job="{job}"}}')
        return {one["metric"]: one for one in found}

    def alert_state(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """`inactive`, `pending` or `firing`: the furthest of the alerts with these labels.

        Raises:
            LookupError: no rule has this name, so that a misspelt alert is no quiet one.
        """
        rules = [rule for rule in self.rules() if rule["type"] == "alerting"]
        named = [rule for rule in rules if rule["name"] == name]
        if not named:
            raise LookupError(f"no alert is named {name}; there are {[r['name'] for r in rules]}")
        states = {
            alert["state"]
            for rule in named
            for alert in rule["alerts"]
            if (labels or {}).items() <= alert["labels"].items()
        }
        return next((state for state in ("firing", "pending") if state in states), "inactive")

    def wait_for_alert(
        self,
        state: str,
        name: str,
        labels: Mapping[str, str] | None = None,
        *,
        within_s: float = WAIT_S,
    ) -> None:
        """Come back once the alert is in that state; AssertionError where it never is."""
        until(
            lambda: self.alert_state(name, labels) == state,
            lambda: f"{name} {labels or ''} is not {state}: {self.alerts()}",
            within_s,
        )

    def wait_for_scrapes(self, *, within_s: float = WAIT_S) -> None:
        """Come back once what every target shows now can be asked for, as far as it answers.

        A scrape is told of a moment before it is kept, so one more is waited for.
        """
        for _ in range(2):
            began_s = time.time()
            until(
                lambda began_s=began_s: self._scraped_since(began_s),  # type: ignore[misc]
                lambda: f"not scraped: {self.targets()}",
                within_s,
            )

    def _scraped_since(self, began_s: float) -> bool:
        """Whether each target was; right after its start Prometheus knows of none."""
        last_s = [
            datetime.fromisoformat(target["lastScrape"]).timestamp() for target in self.targets()
        ]
        return bool(last_s) and min(last_s) > began_s


def until(true: Callable[[], bool], why: Callable[[], str], within_s: float = WAIT_S) -> None:
    """Come back once `true()`; AssertionError with `why()` where that never is."""
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s, f"waited {within_s:.0f} s in vain: {why()}"
        time.sleep(_POLL_S)


def _points(found: list[list[Any]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(at), float(value)) for at, value in found)
