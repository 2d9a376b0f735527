"""Local worker processes, each replaced when it dies.

`Workers` is used as an executor of concurrent.futures; so are Dask's clients.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

import psutil

from autograder.forkserver import ServerError

ATTEMPTS = 5  # for a job whose worker died, or a server as it was starting


class Workers:
    """So many processes. Each has a pool of its own, which breaks alone."""

    def __init__(self, number):
        self._threads = ThreadPoolExecutor(number)
        self._local = threading.local()
        self._processes = []
        self._stopped = False

    def submit(self, function, argument, seconds):
        """Run it in a worker, so long at most; returns a Future.

        A worker that dies is replaced and its job begun again, a few times; then
        the future raises BrokenProcessPool. So it is with a ServerError.
        """
        return self._threads.submit(self._run, function, argument, seconds)

    def _run(self, function, argument, seconds):
        for attempt in range(ATTEMPTS):
            try:
                pool = self._pool()
                return pool.submit(_within, seconds, function, argument).result()
            except (BrokenProcessPool, ServerError) as error:
                if isinstance(error, BrokenProcessPool):
                    self._local.pool = None
                if self._stopped or attempt == ATTEMPTS - 1:
                    raise

    def _pool(self):
        """The pool of one process that belongs to the calling thread."""
        if getattr(self._local, "pool", None) is None:
            _block_interrupts(True)  # a worker inherits it, until it is prepared
            fresh = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(1, fresh, initializer=_prepare)
            number = pool.submit(os.getpid).result()
            # It knows when it was started: later its number may be another's.
            with contextlib.suppress(psutil.NoSuchProcess):
                self._processes.append(psutil.Process(number))
            self._local.pool = pool
            if self._stopped:
                self._kill()
        return self._local.pool

    def stop(self):
        """End the workers, and with them all that they started."""
        self._stopped = True
        self._kill()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _kill(self):
        for process in list(self._processes):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _block_interrupts(yes):
    """Whether the calling thread, and what it starts, is spared Ctrl-C."""
    if hasattr(signal, "pthread_sigmask"):
        how = signal.SIG_BLOCK if yes else signal.SIG_UNBLOCK
        signal.pthread_sigmask(how, [signal.SIGINT])


def _within(seconds, function, argument):
    """Call it; a worker that takes longer, against every limit it sets, dies."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)
    try:
        return function(argument)
    finally:
        if hasattr(signal, "alarm"):
            signal.alarm(0)


def _prepare():
    """In a worker: leave Ctrl-C to the coordinator, and end with it."""
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _block_interrupts(False)
    coordinator = multiprocessing.parent_process().sentinel

    def follow():
        wait([coordinator])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
