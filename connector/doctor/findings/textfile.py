"""Does anybody collect the metrics file?"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from connector.doctor.finding import Finding, FindingId, NotLookedAt, Severity
from connector.doctor.reading import Unseen
from connector.doctor.surroundings import Surroundings
from connector.doctor.textfile import (
    DEBIANS_DEFAULTS,
    DEBIANS_FOLDER,
    DEBIANS_NAME,
    Textfile,
    folders,
)


def judge(seen: Surroundings) -> Iterator[Finding | NotLookedAt]:
    """The file's folder and name, and node_exporter's folders."""
    file = seen.textfile
    if file is None:
        yield NotLookedAt("the metrics file", "[metrics] textfile is not set", counts=False)
        return
    if not file.folder_exists:
        yield Finding(
            FindingId.TEXTFILE_FOLDER_MISSING,
            Severity.CRITICAL,
            f"{file.path.parent} is no folder",
            "no pass can write its metrics: whoever watches sees nothing, or what was long ago",
            f"install -d -m 0755 {file.path.parent}, or correct `textfile` in [metrics]",
        )
    if file.path.suffix != ".prom":
        yield Finding(
            FindingId.TEXTFILE_WRONG_NAME,
            Severity.WARNING,
            f"{file.path.name} does not end with .prom",
            "node_exporter reads files with that ending only",
            f'in [metrics] of connector.toml: `textfile = "{file.path.with_suffix(".prom")}"`',
        )
    if isinstance(seen.running, Unseen):
        yield NotLookedAt("whether node_exporter collects the metrics file", seen.running.why)
    elif not seen.running.exporters:
        yield _not_running(file)
    else:
        yield from _collected(file, seen.running.exporters)


def _not_running(file: Textfile) -> Finding:
    told = ""
    if not isinstance(file.configured, Unseen) and file.configured:
        told = f" (/{DEBIANS_DEFAULTS} names {', '.join(file.configured[:5])})"
    return Finding(
        FindingId.NODE_EXPORTER_NOT_RUNNING,
        Severity.WARNING,
        f"[metrics] textfile is set, but no node_exporter runs{told}",
        "the file is written and nobody collects it",
        "systemctl enable --now prometheus-node-exporter, or use `connector exporter`",
        where=str(file.path),
    )


def _collected(file: Textfile, exporters: tuple[tuple[str, ...], ...]) -> Iterator[Finding]:
    asked = {folder for argv in exporters for folder in _folders_of(argv)}
    wanted = {str(file.path.parent), file.real_folder}
    if any(fnmatchcase(path, folder.rstrip("/")) for path in wanted for folder in asked):
        return
    shown = ", ".join(sorted(asked)[:5]) or "no folder"
    yield Finding(
        FindingId.TEXTFILE_NOT_COLLECTED,
        Severity.WARNING,
        f"the metrics go to {file.path.parent}; the running node_exporter collects {shown}",
        "the file is written and nobody collects it",
        f"--collector.textfile.directory={file.path.parent} for node_exporter (Debian: ARGS in "
        f"/{DEBIANS_DEFAULTS}), or another `textfile` in [metrics]",
        where=str(file.path),
    )


def _folders_of(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The folders that it looks into; without the flag only Debian's build has one."""
    if "--no-collector.textfile" in argv:
        return ()
    named = folders(argv)
    if named:
        return named
    return (DEBIANS_FOLDER,) if argv[0].rpartition("/")[2] == DEBIANS_NAME else ()
