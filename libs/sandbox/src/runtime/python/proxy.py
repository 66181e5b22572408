"""
The process inside a sandbox of a Python kind: dials the invoker's socket (argv[1]), says HELLO, waits for INIT and RUN frames and answers with LOG
and RESULT. The counterpart of ../nodejs/proxy.cjs: the same frames, those of libs/wire; standard library only.

One call runs at a time, in the main thread, as in OpenWhisk's own runtime: the invoker gives such a kind no second one meanwhile.

User code shares this process and can do to it what it likes; the invoker believes nothing that comes out of here.
"""

import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from _isochrone.egress import install  # noqa: E402
from _isochrone.wire import Wire  # noqa: E402
from _isochrone.runtime import Runtime  # noqa: E402

sys.path.remove(here)


def main():
    path = sys.argv[1]
    sys.argv = ['']
    wire = Wire(path)
    runtime = Runtime(wire)
    runtime.capture()
    runtime.rehearse()
    install()
    wire.hello('.'.join(str(part) for part in sys.version_info[:3]))
    for kind, name, head, payload in wire.frames():
        runtime.take(kind, name, head, payload)


main()
# What runs on in threads of the action ends with the connection.
os._exit(0)
