"""
Lets Python in a sandbox reach networks: TCP connections to anywhere but the sandbox itself go through the gateway outside, whose socket is bound into
every sandbox, and so do questions about names. The counterpart of ../../nodejs/egress.cjs.

A socket that connects is given the tunnel in place of its own descriptor, so ssl, http and asyncio find it as they left it. Connecting takes as long
as it takes, also where a socket does not block: asyncio waits with it.

Loopback is the sandbox's own, unless nobody listens there on that port: then the gateway is asked, which may have it on the operator's list.
"""

import errno
import json
import os
import re
import socket

GATEWAY = '/s/e'
HEAD_MAX = 8192
PATIENCE_S = 30.0
NAMES_MAX = 1000
LOCAL = re.compile(r'(localhost|.+\.localhost|)\.?', re.IGNORECASE)
INTERNET = (socket.AF_INET, socket.AF_INET6)
LEVELS = (socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6)

_connect = socket.socket.connect
_setsockopt = socket.socket.setsockopt
_getaddrinfo = socket.getaddrinfo
# The name by which an address was last found: the operator may vouch for that and not for the address.
_names = {}


class Fault(Exception):
    """What the gateway answers when it does not connect: an errno's name, and why."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


def install():
    """From now on sockets of this process go through the gateway, where there is one."""
    if os.path.exists(GATEWAY):
        socket.socket.connect = _connect_anywhere
        socket.socket.connect_ex = _connect_ex
        socket.socket.setsockopt = _set_option
        socket.getaddrinfo = _find_addresses


def _connect_anywhere(self, address):
    if self.family not in INTERNET or self.type != socket.SOCK_STREAM or not isinstance(address, tuple):
        return _connect(self, address)
    host, port = address[0], address[1]
    if not isinstance(host, str) or not isinstance(port, int) or (_is_loopback(host) and _is_listening(port)):
        return _connect(self, address)
    wait = self.gettimeout()
    try:
        tunnel = _open(host, port, wait or PATIENCE_S)
    except Fault as fault:
        refused = fault.code == 'EACCES' and _is_loopback(host)
        raise _os_error('ECONNREFUSED' if refused else fault.code, None if refused else str(fault)) from None
    with tunnel:
        os.dup2(tunnel.fileno(), self.fileno(), inheritable=False)
    self.settimeout(wait)
    return None


def _connect_ex(self, address):
    try:
        self.connect(address)
    except OSError as error:
        if error.errno is None:
            raise
        return error.errno
    return 0


def _set_option(self, level, *rest):
    try:
        return _setsockopt(self, level, *rest)
    except OSError as error:
        # A tunnel has no packets whose options could be set.
        if level not in LEVELS or error.errno != errno.EOPNOTSUPP:
            raise
        return None


def _find_addresses(host, port, family=0, type=0, proto=0, flags=0):
    name = host.decode('ascii') if isinstance(host, bytes) else host
    if name is None or _address(name) or LOCAL.fullmatch(name) or flags & socket.AI_NUMERICHOST:
        return _getaddrinfo(host, port, family, type, proto, flags)
    try:
        found = _ask_addresses(name)
    except Fault as fault:
        raise _name_error(fault) from None
    while len(_names) > NAMES_MAX:
        _names.pop(next(iter(_names)), None)
    answers = []
    for one in found:
        _names[one['address']] = name
        if family in (0, socket.AF_INET if one['family'] == 4 else socket.AF_INET6):
            answers += _getaddrinfo(one['address'], port, 0, type, proto, flags & ~(socket.AI_ADDRCONFIG | socket.AI_V4MAPPED))
    if not answers:
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')
    return answers


def _open(host, port, wait):
    """A socket that the gateway has connected to a host."""
    try:
        return _ask(f'CONNECT {_target(host, port)} HTTP/1.1', wait)
    except Fault as fault:
        name = _names.get(host)
        if fault.code != 'EACCES' or name is None:
            raise
        return _ask(f'CONNECT {_target(name, port)} HTTP/1.1', wait)


def _ask_addresses(name):
    # Loaded when first needed: every import is paid for by every cold start.
    from urllib.parse import quote

    with _ask(f'GET /names/ADDRESS/{quote(name, safe="")} HTTP/1.1', PATIENCE_S) as answer:
        body = b''
        while chunk := answer.recv(65536):
            body += chunk
    return json.loads(body)


def _ask(line, wait):
    """Sends a request to the gateway and returns its socket, with the answer's head read. Raises Fault."""
    gateway = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        gateway.settimeout(wait)
        _connect(gateway, GATEWAY)
        gateway.sendall(f'{line}\r\nHost: gateway\r\n\r\n'.encode('ascii', 'replace'))
        status, headers = _read_head(gateway)
        if status != 200:
            raise Fault(headers.get('egress-error', 'ECONNRESET'), headers.get('egress-reason', ''))
        return gateway
    except TimeoutError:
        gateway.close()
        raise Fault('ETIMEDOUT', 'the gateway did not answer in time') from None
    except OSError as error:
        gateway.close()
        raise Fault('ECONNREFUSED', f'the gateway does not answer ({error})') from None
    except BaseException:
        gateway.close()
        raise


def _read_head(gateway):
    """Reads a head and not a byte more: what follows is the connection's."""
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        seen = gateway.recv(HEAD_MAX, socket.MSG_PEEK)
        end = (head + seen).find(b'\r\n\r\n')
        part = gateway.recv(len(seen) if end < 0 else end + 4 - len(head))
        if not part or len(head) > HEAD_MAX:
            raise Fault('ECONNRESET', 'the gateway hung up')
        head += part
    first, *lines = head.decode('latin-1').strip().split('\r\n')
    fields = (line.partition(':') for line in lines)
    return int(first.split(' ')[1]), {name.lower(): value.strip() for name, _, value in fields}


def _target(host, port):
    plain = host.split('%')[0]
    return f'[{plain}]:{port}' if ':' in plain else f'{plain}:{port}'


def _address(host):
    from ipaddress import ip_address

    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, 'ipv4_mapped', None) or address


def _is_loopback(host):
    address = _address(host)
    return LOCAL.fullmatch(host) is not None if address is None else address.is_loopback or address.is_unspecified


def _is_listening(port):
    """Whether anybody in this sandbox listens on a port. Where the system does not tell, somebody may."""
    listener = re.compile(rf':{port:04X} [0-9A-F]+:0000 0A ')
    try:
        for name in ('tcp', 'tcp6'):
            with open(f'/proc/net/{name}', encoding='latin-1') as table:
                if listener.search(table.read()):
                    return True
        return False
    except OSError:
        return True


def _os_error(code, reason):
    if code in ('ENOTFOUND', 'EAI_AGAIN'):
        return _name_error(Fault(code, reason))
    number = getattr(errno, code, errno.ECONNRESET)
    said = os.strerror(number)
    return OSError(number, f'{said}: {reason}' if code in ('EACCES', 'EMFILE') and reason else said)


def _name_error(fault):
    if fault.code == 'EAI_AGAIN':
        return socket.gaierror(socket.EAI_AGAIN, 'Temporary failure in name resolution')
    if fault.code == 'ENOTFOUND':
        return socket.gaierror(socket.EAI_NONAME, 'Name or service not known')
    return _os_error(fault.code, str(fault))
