"""The loads that servers are measured under: each runs wrk for some seconds, as fast as it goes."""

from __future__ import annotations

import requests

from tests.performance.benchmark_report import MANY_CONNECTIONS
from tests.performance.benchmark_servers import Server
from tests.performance.wrk import Load, Result


def event(server: Server, seconds: int) -> list[Result]:
    """GET of an event, 10 connections."""
    return [Load(server.url + server.event, seconds).result()]


def unchanged_event(server: Server, seconds: int) -> list[Result]:
    """The same with the entity tag that the event has."""
    url = server.url + server.event
    tag = requests.get(url, timeout=5).headers["ETag"]
    return [Load(url, seconds, headers=[f"If-None-Match: {tag}"]).result()]


def event_for_many(server: Server, seconds: int) -> list[Result]:
    """GET of an event, many connections."""
    return [Load(server.url + server.event, seconds, connections=MANY_CONNECTIONS).result()]


def collection(server: Server, seconds: int) -> list[Result]:
    """GET of the list, 10 connections."""
    return [Load(f"{server.url}/events", seconds).result()]


def readers_and_writers(server: Server, seconds: int) -> list[Result]:
    """7 connections that read beside 3 that write."""
    readers = Load(server.url, seconds, connections=7, threads=7, script="readers.lua")
    writers = Load(server.url, seconds, connections=3, threads=3, script="writers.lua")
    results = [readers.result(), writers.result()]
    delete_left(server)
    return results


def random_mix(server: Server, seconds: int) -> list[Result]:
    """12 connections, each of which reads lists and events and changes titles, at random."""
    return [_of_events(server, seconds, 12, "random_mix.lua").result()]


def fixed_cycle(server: Server, seconds: int) -> list[Result]:
    """10 connections, on each of which a list, 8 events, POST, PUT and DELETE follow each other."""
    results = [_of_events(server, seconds, 10, "cycle.lua").result()]
    delete_left(server)
    return results


def _of_events(server: Server, seconds: int, connections: int, script: str) -> Load:
    """Return the load of a script that is told the paths of the events, one connection a thread."""
    return Load(
        server.url,
        seconds,
        connections=connections,
        threads=connections,
        script=script,
        arguments=server.events,
    )


def delete_left(server: Server) -> None:
    """Delete what writers that were stopped between POST and DELETE have left behind."""
    answer = requests.get(f"{server.url}/events", params={"limit": 1000}, timeout=5)
    paths = {f"/events/{each['id']}" for each in answer.json()}
    for path in paths - set(server.events):
        answer = requests.delete(server.url + path, timeout=5)
        # NOTE: a DELETE whose writer has gone may still be under way.
        if answer.status_code != 404:
            answer.raise_for_status()
