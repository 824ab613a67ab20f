"""The tasks of `./invoke`; `./invoke --list` names them, docs/index.md#task-tool explains them."""

from __future__ import annotations

import signal
import subprocess
import sys
import sysconfig
from argparse import ArgumentTypeError
from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from development import command_line

PROJECT = Path(__file__).resolve().parent

BANNER = """
EventPost runs.

  events          {events}/events
  notifications   {notifications}/notifications

Try, in another terminal:

  python3 fixtures.py {events}/events events
  curl {events}/events

The data stays in .eventpost/. Ctrl-C stops everything.
"""


@task(help={"port": "where events listens; notifications takes the next one (8000)"})
def run(_context: Context, port: str = "8000") -> None:
    """Start both services, each with a MongoDB of its own; Ctrl-C stops them."""
    from development.both_services import both_services, watch
    from development.service_process import ServiceFailure

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    first = _whole_number("port", port, 65534)
    try:
        with both_services(first, PROJECT / ".eventpost") as services:
            urls = {name: service.url for name, service in services.items()}
            print(BANNER.format(**urls), flush=True)
            watch(services)
    except ServiceFailure as failure:
        raise Exit(f"EventPost stopped: {failure}", code=1) from None
    except KeyboardInterrupt:
        print("EventPost has stopped.")


@task(help={"port": "where events listens; notifications takes the next one (8000)"})
def demo(_context: Context, port: str = "8000") -> None:
    """Start both services with data, and show the mail that they send; Ctrl-C stops them."""
    _python("-m", "development.demo", "--port", port)


@task(
    help={
        "url": "the collection, like http://127.0.0.1:8000/events",
        "resource": "events or notifications",
        "count": "how many (5)",
    }
)
def fixtures(_context: Context, url: str, resource: str, count: str = "5") -> None:
    """Seed a running service with valid resources."""
    _python("fixtures.py", url, resource, "--count", count)


@task(help={"only": "a file or folder of tests, like tests/unit, without measuring coverage"})
def test(_context: Context, only: str = "") -> None:
    """Run the tests, against a real MongoDB, and fail where they reach too little."""
    if only:
        _python("-m", "pytest", only)
    else:
        _run_measured_tests()
        print("Coverage in percent (the least is fail_under in pyproject.toml):", flush=True)
        _python("-m", "coverage", "report", "--format=total")


@task
def coverage(_context: Context) -> None:
    """Run the tests, and report the branches that they do not reach."""
    _run_measured_tests()
    _python("-m", "coverage", "report")


@task(help={"only": "the name of one mutant, a patch in tests/mutants/"})
def mutants(_context: Context, only: str = "") -> None:
    """Apply known defects to a copy, one by one, and name those that no test notices."""
    _python("-m", "development.mutants", *(("--only", only) if only else ()))


def _run_measured_tests() -> None:
    """Run all tests, and combine what they and the processes that they start have reached."""
    _python("-m", "coverage", "erase")
    measured = ("-m", "coverage", "run", "-m", "pytest", "tests")
    # NOTE: most wait as long as they work, for processes that start and end.
    _python(*measured, "-m", "not load", "-n", "2", "--dist", "loadfile")
    _python(*measured, "-m", "load")
    _python("-m", "coverage", "combine", "--quiet")


@task
def lint(_context: Context) -> None:
    """Check the style, the format, the types, and which room imports which."""
    _python("-m", "ruff", "check", ".")
    _python("-m", "ruff", "format", "--check", ".")
    _python("-m", "mypy")
    # NOTE: it has no module that -m could run.
    lint_imports = Path(sysconfig.get_path("scripts"), "lint-imports")
    _python(str(lint_imports), "--no-logo", "--no-cache")


@task(help={"dry-run": "change nothing; count, and name what cannot be read"})
def migrate(_context: Context, dry_run: bool = False) -> None:
    """Bring documents of earlier versions into today's form; a service does so by itself."""
    _python("-m", "development.migrate", *(("--dry-run",) if dry_run else ()))


@task(
    help={
        "service": "events or notifications",
        "file": "where the copy goes, like events.bson.gz",
    }
)
def backup(_context: Context, service: str, file: str) -> None:
    """Copy the database of a service to a file, while it runs or not."""
    _python("-m", "development.backup", "backup", f"--service={service}", f"--file={file}")


@task(
    help={
        "service": "events or notifications",
        "file": "the copy, as ./invoke backup makes it",
    }
)
def restore(_context: Context, service: str, file: str) -> None:
    """Restore such a copy to a database that has nothing yet."""
    _python("-m", "development.backup", "restore", f"--service={service}", f"--file={file}")


@task(name="delivery-status")
def delivery_status(_context: Context) -> None:
    """Tell what is due, being sent, sent, failed and missed, and how late, of a running service."""
    _python("-m", "development.delivery_status")


@task(
    help={
        "name": "whose it is: up to 64 letters, digits, ., _, @ and -",
        "right": "read, or write, which includes to read",
        "file": "the file that gets its hash (what API_KEYS_FILE says, or else .eventpost/keys)",
    }
)
def key(_context: Context, name: str, right: str, file: str = "") -> None:
    """Make an API key, and print it once; the file for API_KEYS_FILE gets its hash."""
    options = (f"--name={name}", f"--right={right}", *((f"--file={file}",) if file else ()))
    _python("-m", "development.key", *options)


@task
def house(_context: Context) -> None:
    """Draw the picture and the map of the house again, in docs/house.md and CONTRIBUTING.md."""
    _python("-m", "development.house")


@task
def picture(_context: Context) -> None:
    """Make the picture of the API page, docs/images/api-page.png, again (needs Chromium)."""
    _python("-m", "tests.e2e.api_page")


@task(name="install-dependencies", aliases=("installDependencies",))
def install_dependencies(_context: Context) -> None:
    """Install everything that somebody who works on EventPost needs."""
    _python("-m", "pip", "install", "--quiet", "-r", "requirements.txt")


@task(
    help={
        "rounds": "how many rounds; the report shows their medians (5)",
        "seconds": "how long each load takes in a round (3)",
    }
)
def bench(_context: Context, rounds: str = "5", seconds: str = "3") -> None:
    """Compare the service with bare applications and itself, and write docs/benchmark.md (wrk)."""
    options = (f"--rounds={rounds}", f"--seconds={seconds}")
    _python("-m", "tests.performance.benchmark", *options)


@task(name="bench-search", help={"values": "how often each search is made (20)"})
def bench_search(_context: Context, values: str = "20") -> None:
    """Search among up to a million events, and write docs/benchmark-search.md (half an hour)."""
    _python("-m", "tests.performance.search", f"--values={values}")


@task(
    help={
        "base": "the commit to compare with",
        "rounds": "how many rounds; the report shows their medians (10)",
        "seconds": "how long each load takes in a round (5)",
        "only": "a part of the names of loads, like mix",
        "settings": "those of the working tree alone, like LOG_REQUESTS=all,LOG_LEVEL=info",
    }
)
def compare(
    _context: Context,
    base: str,
    rounds: str = "10",
    seconds: str = "5",
    only: str = "",
    settings: str = "",
) -> None:
    """Compare the working tree with another commit: CPU time, rate and times of requests (wrk)."""
    options = (f"--base={base}", f"--rounds={rounds}", f"--seconds={seconds}", f"--only={only}")
    given = (f"--set={each}" for each in settings.split(",") if each)
    _python("-m", "tests.performance.comparison", *options, *given)


@task(
    help={
        "service": "events or notifications (events)",
        "hold": "how many seconds each run holds its load (30)",
        "users": "how many users at once, one number or several: 10,50,100,200,500 (10)",
    }
)
def performance(
    _context: Context, service: str = "events", hold: str = "30", users: str = "10"
) -> None:
    """Load a service with Taurus and JMeter, and write a report to docs/ (needs Java)."""
    options = (f"--service={service}", f"--hold={hold}", f"--users={users}")
    _python("-m", "tests.performance.load_test", *options)


@task(name="build-containers", aliases=("buildContainers",))
def build_containers(_context: Context) -> None:
    """Build the image of each service, with docker or podman."""
    _python("-m", "development.containers", "build")


@task(name="run-containers", aliases=("runContainers",))
def run_containers(_context: Context) -> None:
    """Start both services in containers; their data stays in volumes."""
    _python("-m", "development.containers", "run")


@task(name="test-containers", aliases=("testContainers",))
def test_containers(_context: Context) -> None:
    """Test the images in containers of their own, over HTTP."""
    _python("-m", "pytest", "tests/containers")


@task(name="stop-containers", aliases=("stopContainers",))
def stop_containers(_context: Context) -> None:
    """Stop what run-containers started; the data stays."""
    _python("-m", "development.containers", "stop")


def _whole_number(option: str, text: str, most: int) -> int:
    """Return the number that an option was given; where it is none, end with a line."""
    try:
        return command_line.whole_number(text, most=most)
    except ArgumentTypeError as error:
        raise Exit(f"./invoke: --{option}: {error}", code=command_line.USAGE) from None


def _python(*arguments: str) -> None:
    """Run Python from this environment in the project's folder; if it fails, end with its status.

    It has this process's input and output, and the signals that end this process.
    """
    # NOTE: Ctrl-C reaches both, and it is the other one that knows how to end.
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen((sys.executable, *arguments), cwd=PROJECT) as command:
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())
        status = command.wait()
    if status:
        raise Exit(code=status if status > 0 else 128 - status)
