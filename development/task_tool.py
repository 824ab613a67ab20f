"""python -m development.task_tool: Invoke with the tasks of this project, as `./invoke` runs it."""

from __future__ import annotations

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from development import command_line


class TaskTool(Program):
    """Invoke, which tells arguments that cannot be used from a task that has failed."""

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the arguments in front of the tasks."""
        try:
            super().parse_core(argv)
        except ParseError as error:
            raise Exit(f"./invoke: {error}", code=command_line.USAGE) from None

    def parse_tasks(self) -> None:
        """Read the tasks and their arguments."""
        try:
            super().parse_tasks()
        except ParseError as error:
            raise Exit(f"./invoke: {error}", code=command_line.USAGE) from None


if __name__ == "__main__":
    command_line.run(TaskTool(binary="./invoke").run)
