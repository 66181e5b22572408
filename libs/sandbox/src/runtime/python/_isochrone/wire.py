"""Frames of libs/wire over the invoker's socket."""

import os
import socket
from json import dumps, loads
from struct import Struct
from threading import RLock

HELLO, INIT, RUN, LOG, RESULT, PING = 1, 2, 3, 5, 6, 9
NOBODY = b'\0' * 16
VERSION = 1

# u32 length of all that follows, u8 version, u8 type, u16 length of the head, 16 bytes id
_prologue = Struct('>IBBH16s')
_length = Struct('>I')


class Wire:
    """One connection. What is sent has reached the kernel when `send` returns: a crash that follows loses nothing."""

    def __init__(self, path):
        self._path = path
        self._socket = None
        self._lock = RLock()
        self._sending = False

    def hello(self, version):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(self._path)
        self.send(HELLO, NOBODY, {'role': 'sandbox', 'python': version})

    def send(self, kind, name, head, payload=b''):
        if self._socket is None:
            return
        head_bytes = dumps(head).encode()
        length = _prologue.size - 4 + len(head_bytes) + len(payload)
        frame = b''.join((_prologue.pack(length, VERSION, kind, len(head_bytes), name), head_bytes, payload))
        with self._lock:
            # A signal's handler that prints in the midst of a frame must not write into it.
            if self._sending:
                return
            self._sending = True
            try:
                self._socket.sendall(frame)
            except OSError:
                os._exit(0)
            finally:
                self._sending = False

    def frames(self):
        """Yields type, id, head and payload of what comes in, until the other side hangs up."""
        while True:
            prologue = self._read(_prologue.size)
            if prologue is None:
                return
            length, _, kind, head_length, name = _prologue.unpack(prologue)
            rest = self._read(length + 4 - _prologue.size)
            if rest is None:
                return
            yield kind, name, loads(rest[:head_length] or b'{}'), rest[head_length:]

    def forget(self):
        """In a forked child: the connection is its parent's."""
        if self._socket is not None:
            os.close(self._socket.detach())
        self._socket = None
        self._lock = RLock()
        self._sending = False

    def _read(self, count):
        parts = bytearray()
        while len(parts) < count:
            try:
                part = self._socket.recv(min(count - len(parts), 1 << 20))
            except OSError:
                return None
            if not part:
                return None
            parts += part
        return bytes(parts)


def split(payload):
    """Splits `u32 length · environment · rest`; the environment comes parsed."""
    (length,) = _length.unpack_from(payload)
    return loads(payload[4 : 4 + length]), payload[4 + length :]
