"""drbd.conf as statements with their places, and its plain text."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from connector.doctor import drbd_conf
from connector.doctor.drbd_conf import DrbdConf, Statement, parse
from connector.doctor.reading import Unseen

TEXT = """\
# usage-count ask;
global { usage-count no; }
common {
    net {
        cram-hmac-alg sha1; shared-secret "a;b # c";
    }
}
resource "mail" {
    protocol C;
    net { after-sb-1pri
          discard-secondary; }
}
"""


def test_statements_have_their_headings_and_the_line_where_they_begin() -> None:
    assert parse(TEXT, "/f").statements == (
        Statement("/f", 2, ("global",), ("usage-count", "no")),
        Statement("/f", 5, ("common", "net"), ("cram-hmac-alg", "sha1")),
        Statement("/f", 5, ("common", "net"), ("shared-secret", "a;b # c")),
        Statement("/f", 9, ("resource mail",), ("protocol", "C")),
        Statement("/f", 10, ("resource mail", "net"), ("after-sb-1pri", "discard-secondary")),
    )


def test_the_place_of_an_option_is_in_the_resource_else_in_common() -> None:
    more = parse("common { net { after-sb-1pri disconnect; ping-int 3; } }", "/g")
    conf = DrbdConf((parse(TEXT, "/f"), more))
    assert conf.place_of("after-sb-1pri", "mail") == "/f:10"
    assert conf.place_of("after-sb-1pri", "db") == "/g:1"
    assert conf.place_of("ping-int", "mail") == "/g:1"
    assert conf.place_of("wfc-timeout", "mail") is None


def test_the_plain_text_has_no_secret_no_comment_and_no_spaces() -> None:
    plain = parse(TEXT, "/f").plain
    assert "a;b" not in plain
    assert "usage-count ask" not in plain
    other = TEXT.replace("a;b # c", "another").replace("    ", "\t").replace("# usage", "# other")
    assert parse(other, "/f").plain == plain
    assert parse(TEXT.replace("sha1", "md5"), "/f").plain != plain


def test_a_secret_is_hidden_where_nothing_follows_and_where_quotes_are_broken() -> None:
    for text in ('shared-secret "geheim', "shared-secret geheim", 'shared-secret "a" geheim;'):
        assert "geheim" not in parse(text, "/f").plain


@given(st.text(alphabet=st.sampled_from('ab"#{};\\\n \x00é'), max_size=60))
def test_any_text_may_be_one(text: str) -> None:
    found = parse(text, "/f")
    lines = text.count("\n") + 1
    assert all(1 <= one.line <= lines and one.words for one in found.statements)


def test_all_included_files_are_read_and_shown_under_their_own_names(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    (etc / "drbd.d").mkdir(parents=True)
    (etc / "drbd.conf").write_text('include "drbd.d/*.res";')
    (etc / "drbd.d/mail.res").write_text("resource mail { protocol A; }")
    found = drbd_conf.read(etc, "/etc")
    assert isinstance(found, DrbdConf)
    assert [file.path for file in found.files] == ["/etc/drbd.conf", "/etc/drbd.d/mail.res"]
    assert found.place_of("protocol", "mail") == "/etc/drbd.d/mail.res:1"


def test_without_any_file_there_is_nothing(tmp_path: Path) -> None:
    assert drbd_conf.read(tmp_path, "/etc") == DrbdConf(())


def test_a_file_that_is_none_cannot_be_said_for_certain(tmp_path: Path) -> None:
    (tmp_path / "drbd.conf").mkdir()
    found = drbd_conf.read(tmp_path, "/etc")
    assert isinstance(found, Unseen)
    assert "/etc/drbd.conf" in found.why


def test_too_many_files_are_said(tmp_path: Path) -> None:
    (tmp_path / "drbd.conf").write_text('include "*.res";')
    for number in range(drbd_conf.MAX_FILES):
        (tmp_path / f"{number:04}.res").write_text("")
    found = drbd_conf.read(tmp_path, "/etc")
    assert isinstance(found, DrbdConf)
    assert len(found.files) == drbd_conf.MAX_FILES
    (one,) = found.unseen
    assert f"more than {drbd_conf.MAX_FILES} files" in one.why
