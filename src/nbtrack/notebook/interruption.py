"""Interrupting the cell that runs now, from another thread."""

from __future__ import annotations

import _thread
import signal
import threading


def interrupt_cell() -> None:
    """Raise ``KeyboardInterrupt`` in the main thread, as Ctrl-C does."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        # unlike interrupt_main it wakes a call that sleeps or waits
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()
