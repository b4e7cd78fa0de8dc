"""docs/json.md lists the keys of a take-over and of its note."""

from __future__ import annotations

import json
from dataclasses import fields

from connector.cli.takeover import to_json
from connector.model.step import Step, StepKind
from connector.takeover.run import Done
from connector.takeover.state import State
from tests.docs import pages
from tests.docs.test_json_doc import keys, written
from tests.takeover.nodes import Nodes

PAGE = pages.text("docs/json.md")


def test_the_keys_of_a_take_over() -> None:
    done = Done("mail", (Step(StepKind.PRIMARY, "mail"),), ("a warning",))
    # The warnings and commands are lists of words.
    assert {key.removesuffix("[]") for key in written("takeover --json")} == {
        key.removesuffix("[]") for key in keys(to_json([done]))
    }
    section = pages.section(PAGE, "takeover --json")
    for word in State:
        assert f"`{word}`" in section


def test_the_keys_of_its_note(nodes: Nodes) -> None:
    nodes.take_over("beta")
    kept = json.loads(nodes.settings["beta"].takeover_file.read_bytes())
    (note,) = kept.pop("resources").values()
    expected = {*kept, *(f"resources.NAME.{key}" for key in note)}
    assert {key.removesuffix("[]") for key in written("takeover.json")} == expected
    section = pages.section(PAGE, "takeover.json")
    for field in fields(Step):
        assert f"`{field.name}`" in section
