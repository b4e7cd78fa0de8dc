"""connector table: the decision table."""

from __future__ import annotations

import json

import click

from connector.cli.options import Setup, connector_command
from connector.report import table_page


@connector_command("table")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    help="A table for the terminal, or the page in docs/.",
)
def command(setup: Setup, form: str) -> int:
    """The decision table: what is done for each connection state, role and use."""
    if setup.as_json:
        click.echo(json.dumps(table_page.to_json(), indent=2))
    elif form == "markdown":
        click.echo(table_page.page(), nl=False)
    else:
        from rich.table import Table

        from connector.report.tables import console

        table = Table(show_lines=True)
        for heading in table_page.HEADINGS:
            table.add_column(heading, no_wrap=heading == "decision")
        for cells in table_page.rows():
            table.add_row(*(cell.replace("`", "") for cell in cells))
        console(color=setup.color).print(table)
    return 0
