"""What one activation prints."""

import io
from threading import Condition, RLock, Thread
from time import time_ns

# Frames that may go out at once in a burst; one more is earned every millisecond.
BURST = 200
# A flood is collected up to this many bytes or seconds.
COLLECT_BYTES = 32 * 1024
COLLECT_SECONDS = 0.01
FRAME_BYTES = 1 << 20


class RunLog:
    """
    Every write is sent at once, so that it survives whatever the code does next; only a flood of them (more than 200, faster than one a
    millisecond) is collected for some milliseconds.
    """

    def __init__(self, limit, send):
        self._left = limit
        self._send = send
        self._open = limit > 0
        self._lock = RLock()
        self._late = Condition(self._lock)
        self._flusher = None
        self._credit = BURST
        self._earned = 0
        self._stream = 'stdout'
        self._pending = bytearray()
        self._since = 0

    def add(self, stream, data):
        with self._lock:
            if not self._open or len(data) == 0:
                return
            if stream != self._stream:
                self.flush()
            self._stream = stream
            # One byte over the limit tells the other side that there was more.
            kept = bytes(data[: self._left + 1])
            self._left -= len(kept)
            now = time_ns()
            if not self._pending:
                self._since = now
            self._pending += kept
            self._credit = min(BURST, self._credit + max(0, now - self._earned) / 1e6)
            self._earned = now
            if self._left < 0:
                self.flush()
                self._open = False
            elif self._credit >= 1 or len(self._pending) >= COLLECT_BYTES:
                self.flush()
            else:
                self._flush_later()

    def flush(self):
        with self._lock:
            if not self._pending:
                return
            self._credit = max(0, self._credit - 1)
            data, self._pending = bytes(self._pending), bytearray()
            at = {'ms': self._since // 1_000_000, 'ns': self._since % 1_000_000}
            for start in range(0, len(data), FRAME_BYTES):
                self._send(self._stream, at, data[start : start + FRAME_BYTES])

    def close(self):
        """Sends the rest and takes nothing more."""
        with self._lock:
            self.flush()
            self._open = False
            self._late.notify_all()

    def _flush_later(self):
        if self._flusher is None:
            self._flusher = Thread(target=self._flush_late, daemon=True)
            self._flusher.start()
        self._late.notify()

    def _flush_late(self):
        with self._lock:
            while self._open:
                self._late.wait(COLLECT_SECONDS if self._pending else None)
                self.flush()


class Stream(io.RawIOBase):
    """The bytes of sys.stdout or sys.stderr, given to whatever activation runs; with none running they are dropped."""

    def __init__(self, name, number, current):
        super().__init__()
        self._name = name
        self._number = number
        self._current = current

    def writable(self):
        return True

    def fileno(self):
        return self._number

    def write(self, data):
        log = self._current()
        if log is not None:
            log.add(self._name, memoryview(data).cast('B'))
        return len(data)


def text_stream(name, number, current):
    """A text stream over `Stream`; a line is passed on when it is complete."""
    raw = io.BufferedWriter(Stream(name, number, current), buffer_size=1)
    return io.TextIOWrapper(raw, encoding='utf-8', errors='backslashreplace', line_buffering=True)
