"""Starts `shop serve` in a quarter of the time, for tests: forked from a process that has its modules imported.

To import them takes 1.3 s of processor time a server, half of it in the server, half in multiprocessing's fork server
below it. Here the server is forked from a launcher, and forks its workers itself. `launcher.py SOCKET script arguments`
runs a script so: it is a small process that hands its files, environment and signals on, and ends as the script does.
How workers are started, watched and renewed is tested without this. Linux only.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys

HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run_by_launcher(path: str, command: list[str]) -> None:
    """Have the launcher that listens at `path` run a script, and end as it ends."""
    with socket.socket(socket.AF_UNIX) as launcher:
        launcher.connect(path)
        socket.send_fds(launcher, [b"1"], [0, 1, 2])
        order = {"command": command, "environment": dict(os.environ), "folder": os.getcwd()}
        with launcher.makefile("rwb", buffering=0) as said:
            said.write(json.dumps(order).encode() + b"\n")
            pid = int(said.readline())
            for number in HANDED_ON:
                signal.signal(number, lambda received, _: os.kill(pid, received))
            code = int(said.readline())
    if code < 0:  # a signal ended it
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def launch(path: str) -> None:
    """Run what is asked for at `path`, until nobody is left to ask: standard input ends. Returns in a forked process,
    which has its script in `sys.argv`.
    """
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("listening", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for the scripts
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the scripts
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            asked, _ = listening.accept()
            with asked:
                if os.fork() == 0:
                    listening.close()
                    return _become(asked)
    sys.exit()


def _become(asked: socket.socket) -> None:
    """Fork the process of a script, and say how it ends. Returns in that process alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    files = socket.recv_fds(asked, 1, 3)[1]
    with asked.makefile("rb", buffering=0) as said:
        order = json.loads(said.readline())
    if pid := os.fork():
        for file in (*files, 0, 1, 2):
            os.close(file)  # what the script prints ends with it
        asked.sendall(b"%d\n" % pid)
        if asked.fileno() in select.select([asked.fileno(), os.pidfd_open(pid)], [], [])[0]:
            os.kill(pid, signal.SIGKILL)  # as whoever asked was killed
        asked.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = order["command"]


if __name__ == "__main__":
    if sys.argv[2:]:
        run_by_launcher(sys.argv[1], sys.argv[2:])
    import multiprocessing
    import runpy

    import shop_http.cli.main  # noqa: F401
    from shop_http.server import log, serve, supervisor, worker  # noqa: F401

    launch(sys.argv[1])
    os.register_at_fork(after_in_child=log.standard_error.cache_clear)  # its thread stays behind
    serve.prepare = lambda: None  # type: ignore[attr-defined]
    supervisor._context = multiprocessing.get_context("fork")  # type: ignore[assignment]
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
