"""How Gunicorn serves EventPost; Gunicorn reads this file by itself from where it is started."""

import gc
import os
import signal
from pathlib import Path

from microservice_chassis.process.gunicorn_log import GunicornLog
from microservice_chassis.process.log import configure_log
from microservice_chassis.process.metrics_directory import metrics_directory
from microservice_chassis.process.parent_death import die_with_parent
from microservice_chassis.process.seats import Seats
from microservice_chassis.settings import ServerSettings, settings_or_exit

_settings = settings_or_exit(ServerSettings, os.environ)

bind = _settings.address
workers = _settings.web_concurrency
loglevel = _settings.log_level
logger_class = GunicornLog
configure_log(_settings.log_level, _settings.log_format)

# uvicorn-worker with httptools and uvloop, the faster one of the two candidates,
# with limits for slow clients (docs/performance.md#worker-class).
worker_class = "microservice_chassis.process.worker.Worker"

# The application is made once, before the workers are forked from it.
preload_app = True

# An idle connection is kept a little longer than the usual 60 s of the load balancers
# in front, so that it is they who close it, and never under a request.
keepalive = 75

# A worker that has not answered the master for so long is stuck, and replaced.
timeout = 30

# What a request in flight may still take when the service ends.
graceful_timeout = 5

# The workers tell the master that they live through a file: in memory, where there is one.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None

# Gunicorn's control socket would be written to HOME, shared by every Gunicorn there.
control_socket_disable = True

# New ones at each SIGHUP: the workers from before take no more connections. A worker that has
# died leaves its seat when the master notices, which may be after it has forked another one.
_seats = Seats(2 * workers)

# Where the workers count, before anything is imported that looks for it.
_metrics = metrics_directory(os.environ)


def pre_fork(server, worker):
    """Let a worker see the connections of the other ones, and them see its own."""
    worker.seat = _seats.take()
    worker.metrics_number = _metrics and _metrics.take()


def child_exit(server, worker):
    """Forget the connections of a worker that has died; what it has counted stays."""
    worker.seat.leave()
    if _metrics:
        _metrics.give_back(worker.metrics_number)


def on_starting(server):
    """Say who may come, and fork each worker with SIGTERM blocked, until post_fork."""
    if "API_KEYS_FILE" not in os.environ:
        server.log.warning("API_KEYS_FILE is not set: whoever reaches this service may do all")
    # NOTE: until a worker has handlers of its own it has the master's, which only take note; a
    #   SIGTERM that came before would be lost, and the service wait for that worker to the last.
    signals = [signal.SIGTERM]
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signals),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, signals),
    )


def on_reload(server):
    """Read again, before new workers are forked, what the application reads when told to."""
    server.app.wsgi().reload()


def post_fork(server, worker):
    """Let a new worker be stopped from its first moment, and end it when its master is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    die_with_parent(signal.SIGTERM, server.pid)
    if _metrics:
        _metrics.use(worker.metrics_number)
    # NOTE: what was made before the fork stays; walking over it at each collection would only
    #   make requests wait, and end the sharing of its memory.
    gc.freeze()


def pre_exec(server):
    """Refuse a second master on the same socket (SIGUSR2), and serve on."""
    # NOTE: this runs in the process that would become the second master. The workers of each
    #   would have entries that the other's do not know of; SIGHUP replaces workers.
    server.log.error("SIGUSR2 is refused: a second master could answer what the first has changed")
    os._exit(1)
