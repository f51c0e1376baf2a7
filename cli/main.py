"""`./rollcall`: every command, registered by the module that holds it.

The modules import what they need inside their commands, so that `--help` answers at once.
Exit codes: 0 done, 1 refused (reason on stderr), 2 usage.
"""

from __future__ import annotations

import importlib
import sys

import typer

from deploy.errors import StartRefused
from shared.kernel.refusals import Refusal

COMMAND_MODULES = (
    "cli.demo",
    "cli.system",
    "cli.match",
    "cli.import_list",
    "cli.simulate",
    "cli.replay",
    "cli.ask",
    "cli.counterfactual",
    "cli.verify",
    "cli.keys",
    "cli.accounts",
    "cli.reads",
    "cli.snapshots",
    "cli.bench",
)


def build_app() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(
        name="rollcall",
        help="From student register to who is entitled to aid: matched rosters, alerts and proofs from one event log.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in COMMAND_MODULES:
        importlib.import_module(name).register(app)
    return app


def main() -> None:
    """Run one command; a refusal is one line on stderr and exit code 1."""
    try:
        build_app()(prog_name="rollcall")
    except (StartRefused, Refusal) as refused:
        sys.stderr.write(f"rollcall: {refused}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
