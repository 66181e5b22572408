"""One life of the runtime: an init, then runs, one at a time."""

import os
import sys
import traceback
from json import dumps, loads

from . import wire
from .load import Refused, load
from .log import RunLog, text_stream

NOT_AN_OBJECT = 'The action did not return a dictionary or array.'


class Runtime:
    def __init__(self, connection):
        self._wire = connection
        self._log = None
        self._begun = False
        self._handler = None
        self._pid = os.getpid()

    def capture(self):
        """Gives what is printed to the activation that runs. A forked child prints on its descriptors, as any other child process does."""
        sys.stdout = sys.__stdout__ = text_stream('stdout', 1, lambda: self._log)
        sys.stderr = sys.__stderr__ = text_stream('stderr', 2, lambda: self._log)
        os.register_at_fork(after_in_child=self._forked)

    def rehearse(self):
        """Goes through what every call passes, so that the first one finds it imported and warm."""
        self._log = RunLog(1000, lambda *_: None)
        print('ready')
        self._log.close()
        self._log = None
        self._answer({'n': loads('1')}, lambda args: args)

    def take(self, kind, name, head, payload):
        if kind == wire.PING:
            self._wire.send(wire.PING, wire.NOBODY, {'pong': True})
        elif kind in (wire.INIT, wire.RUN):
            self._log = RunLog(head['logBytes'], lambda stream, at, data: self._wire.send(wire.LOG, name, {'stream': stream, **at}, data))
            phase = 'init' if kind == wire.INIT else 'run'
            ok, body, over = self._init(head, payload) if kind == wire.INIT else self._run(payload)
            self._end(name, phase, ok, body, head['resultBytes'])
            if over:
                os._exit(0)

    def _init(self, head, payload):
        if self._begun:
            return failure('Cannot initialize the action more than once.')
        code = apply_environment(payload)
        if not head.get('main') or not code:
            return failure('Missing main/no code to execute.')
        self._begun = True
        try:
            self._handler = load(head['main'], head.get('binary') is True, code)
            return True, b'{"ok":true}', False
        except Refused as refused:
            return failure(str(refused))
        except OSError as error:
            return failure(f'Initialization has failed due to: {error}')

    def _run(self, payload):
        if self._handler is None:
            return failure('System not initialized.')
        return self._answer(loads(apply_environment(payload)), self._handler)

    def _answer(self, args, handler):
        """Whether it is a result, its bytes, and whether the process has come to its end."""
        try:
            result = handler(args)
        except SystemExit:
            return (*failure('command exited')[:2], True)
        except BaseException as error:
            traceback.print_exc()
            result = {'error': str(error)}
        try:
            body = dumps(result, ensure_ascii=False, allow_nan=False, separators=(',', ':')).encode()
        except (TypeError, ValueError, RecursionError):
            traceback.print_exc()
            return failure(NOT_AN_OBJECT)
        return (True, body, False) if result is None or isinstance(result, (dict, list, tuple)) else failure(NOT_AN_OBJECT)

    def _end(self, name, phase, ok, body, limit):
        if os.getpid() != self._pid:
            # A forked child that came back from the action: its parent answers.
            os._exit(0)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # the action closed it, or put something else in its place
        self._log.close()
        self._log = None
        # Whether there were child processes cannot be told cheaply: what they printed is awaited.
        self._wire.send(wire.RESULT, name, {'phase': phase, 'ok': ok, 'bytes': len(body), 'children': True}, cut(body, limit))

    def _forked(self):
        self._wire.forget()
        self._log = None
        sys.stdout = sys.__stdout__ = open(1, 'w', encoding='utf-8', errors='backslashreplace', closefd=False)
        sys.stderr = sys.__stderr__ = open(2, 'w', encoding='utf-8', errors='backslashreplace', closefd=False)


def failure(text):
    """An answer that is an error of the developer."""
    return False, dumps({'error': text}, ensure_ascii=False, separators=(',', ':')).encode(errors='replace'), False


def apply_environment(payload):
    """Puts the environment of an order into effect and returns what follows it."""
    environment, rest = wire.split(payload)
    for name, value in environment.items():
        try:
            os.environ[name] = value
        except ValueError:
            pass  # a name or a value that no environment can hold
    return rest


def cut(body, limit):
    """At most `limit` bytes, ending between two characters."""
    if len(body) <= limit:
        return body
    while limit > 0 and (body[limit] & 0xC0) == 0x80:
        limit -= 1
    return body[:limit]
