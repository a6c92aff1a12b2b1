"""What `nexus up` shows."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Screen:
    """Progress, addresses and complaints on the terminal; plain lines when the output is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show that something is under way, and how long it took."""
        started = time.monotonic()
        with self._console.status(escape(text)) if self._console.is_terminal else contextlib.nullcontext():
            yield
        self._console.print(f"[green]✓[/] {escape(text)} [dim]{time.monotonic() - started:.1f} s[/]")

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(escape(text))

    def about(self, name: str, text: str) -> None:
        """One line about a child."""
        self._console.print(f"[yellow]{escape(name)}[/] {escape(text)}")

    def error_of(self, name: str, line: str) -> None:
        """A line out of a child's log."""
        self._console.print(f"[red]{escape(name)} |[/] {escape(line)}")

    def failure(self, text: str) -> None:
        """Why it cannot go on."""
        self._console.print(f"[red]nexus up:[/] {escape(text)}")

    def addresses(self, addresses: Mapping[str, str], accounts: Mapping[str, Any], folder: str) -> None:
        """The table of what runs where, and who may sign in."""
        table = Table("what", "where", title="Nexus is up", title_justify="left")
        for name, address in addresses.items():
            table.add_row(escape(name), escape(address))
        for role, account in accounts.items():
            if isinstance(account, Mapping) and {"email", "password"} <= account.keys():
                table.add_row(
                    f"sign in as {escape(role)}", escape(f"{account['email']}  {account['password']}")
                )
        self._console.print(table)
        self.say(f"State, secrets and logs: {folder}. Ctrl-C ends everything.")
