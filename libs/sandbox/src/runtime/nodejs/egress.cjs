'use strict';
/**
 * Lets Node.js in a sandbox reach networks: preloaded (NODE_OPTIONS) into the runtime, its worker threads and its child processes. A TCP connection
 * to anywhere but the sandbox itself goes through the gateway outside, whose socket is bound into every sandbox; so do questions about names.
 * Nothing is opened before it is needed.
 *
 * `net.Socket.prototype.connect` is where tls, http, https and fetch all come through. The socket connects to a listener on the sandbox's own
 * loopback, made for this one connection, which joins it with the tunnel: so it keeps the handle it has, which TLS has already wrapped. While the
 * tunnel is opened the socket looks up a name, as far as it knows.
 *
 * Loopback is the sandbox's own, unless nobody listens there on that port: then the gateway is asked, which may have it on the operator's list.
 */
const fs = require('node:fs');
const net = require('node:net');

const gateway = '/s/e';
const { Socket, createServer, isIP } = net;
const { connect } = Socket.prototype;
const { readFileSync } = fs;
const headMax = 8192;
const patienceMs = 60_000;

/** Whether a host is this machine as it sees itself. */
function isLoopback(host) {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|::1|::ffff:127(\.\d+){3}|0\.0\.0\.0|::|\[::1\]|)\.?$/i.test(host);
}

/** Whether anybody in this sandbox listens on a port. Where the system does not tell, somebody may. */
function isListening(port) {
  const listener = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F]+:0000 0A `);
  try {
    return ['tcp', 'tcp6'].some((name) => listener.test(readFileSync(`/proc/net/${name}`, 'latin1')));
  } catch {
    return true;
  }
}

/**
 * Sends a request's head to the gateway and calls back with its socket and the answer's headers; what follows the head is left to read.
 * The error is the gateway's own, by errno name.
 */
function ask(head, done) {
  const outer = new Socket({ allowHalfOpen: true });
  let held = Buffer.alloc(0);
  const settle = (error, headers) => {
    outer.removeListener('data', take);
    outer.removeListener('error', broken);
    outer.removeListener('end', ended);
    outer.setTimeout(0);
    if (error) outer.destroy();
    else outer.pause();
    done(error, outer, headers);
  };
  const broken = (cause) => settle(fault('ECONNREFUSED', `the gateway does not answer (${cause.code})`));
  const ended = () => settle(fault('ECONNRESET', 'the gateway hung up'));
  const take = (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const end = held.indexOf('\r\n\r\n');
    if (end < 0) return held.length > headMax ? ended() : undefined;
    const [first, ...lines] = held.toString('latin1', 0, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.split(':', 1)[0].toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(first.split(' ')[1]);
    const rest = held.subarray(end + 4);
    if (status !== 200) return settle(fault(headers['egress-error'] ?? 'ECONNRESET', headers['egress-reason'] ?? first));
    settle(undefined, headers);
    if (rest.length > 0) outer.unshift(rest);
  };
  outer.on('data', take).on('error', broken).on('end', ended);
  outer.setTimeout(patienceMs, () => settle(fault('ETIMEDOUT', 'the gateway does not answer')));
  connect.call(outer, { path: gateway }, () => outer.write(`${head}\r\nHost: gateway\r\n\r\n`));
  return outer;
}

function fault(code, reason) {
  return Object.assign(new Error(reason), { code });
}

/** An error as a socket or a resolver of Node.js reports it, with the gateway's reason where there is more to say. */
function systemError({ code, message }, syscall, subject, more) {
  const said = code === 'EACCES' || code === 'EMFILE' ? ` - ${message}` : '';
  const error = new Error(`${syscall} ${code} ${subject}${said}`);
  const errno = require('node:os').constants.errno[code];
  return Object.assign(error, { errno: errno === undefined ? code : -errno, code, syscall }, more);
}

function connectError(cause, host, port) {
  if (cause.code === 'ENOTFOUND' || cause.code === 'EAI_AGAIN') return systemError(cause, 'getaddrinfo', host, { hostname: host });
  // Nobody listens there, in here: that there may be somebody outside is none of the action's business.
  const known = cause.code === 'EACCES' && isLoopback(host) ? fault('ECONNREFUSED', '') : cause;
  return systemError(known, 'connect', `${host}:${port}`, { address: host, port });
}

/** Both ways at the pace of the slower side. Neither keeps the process alive: the socket that the action has does. */
function join(inner, outer) {
  const end = () => void (inner.destroy(), outer.destroy());
  for (const side of [inner, outer]) {
    side.on('error', end);
    side.once('close', (failed) => (failed || !side.readableEnded ? end() : undefined));
    side.unref();
  }
  inner.setNoDelay(true);
  inner.pipe(outer);
  outer.pipe(inner);
}

/** Connects `socket` through the gateway to what `locate` calls back with. */
function connectOutside(socket, options, callback, port, locate) {
  let outer;
  let found;
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (inner) => {
    listener.close();
    join(inner, outer);
  });
  const left = () => void (listener.close(), outer?.destroy());
  listener.maxConnections = 1;
  // Without a host it is bound at once, and there is nothing but loopback to be bound to.
  listener.listen(0);
  socket.once('close', left);
  const inside = {
    host: 'outside',
    port: listener.address().port,
    family: 4,
    autoSelectFamily: false,
    localAddress: undefined,
    localPort: undefined,
  };
  connect.call(socket, { ...options, ...inside, lookup: (_, __, tell) => (found = tell) }, callback);
  locate((unknown, host) => {
    if (unknown) return found(unknown);
    const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    outer = ask(`CONNECT ${target} HTTP/1.1`, (failure, _, headers) => {
      if (failure) return found(connectError(failure, host, port));
      const [address, peerPort] = (headers['egress-address'] ?? '').split(' ');
      socket.prependOnceListener('connect', () => {
        socket.removeListener('close', left);
        socket._peername = { address, family: isIP(address) === 6 ? 'IPv6' : 'IPv4', port: Number(peerPort) };
      });
      found(null, '127.0.0.1', 4);
    });
  });
}

function connectAnywhere(...args) {
  const [options, callback] = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args);
  const port = Number(options.port);
  const host = options.host === undefined || options.host === null ? 'localhost' : options.host;
  if (options.path || !Number.isInteger(port) || port < 1 || port > 65_535 || typeof host !== 'string' || /[\s/@]/.test(host))
    return connect.apply(this, args);
  if (isLoopback(host) && isListening(port)) return connect.apply(this, args);
  openNames();
  const { lookup } = options;
  const known = typeof lookup !== 'function' || isIP(host) !== 0 || lookup === require('node:dns').lookup;
  connectOutside(this, options, callback, port, (tell) => {
    if (known) return tell(null, host);
    // Somebody else than the gateway knows where that is.
    lookup(host, { family: options.family ?? 0, hints: options.hints ?? 0, all: false }, (error, address) => {
      const [first = address] = Array.isArray(address) ? address : [];
      tell(error, typeof first === 'object' && first !== null ? first.address : first);
    });
  });
  return this;
}

const open = fs.existsSync(gateway);
let named = false;

/** Lets `dns` ask the gateway, from the first call on. Apart from the rest, because the module takes a while to load and few actions need it. */
function openNames() {
  if (named || !open) return;
  named = true;
  require('./names.cjs').install({ ask, systemError, isLoopback });
}

if (open) {
  Object.defineProperty(Socket.prototype, 'connect', { value: connectAnywhere, writable: true, configurable: true, enumerable: true });
  // The runtime opens names when it sees what code it gets; threads and processes of an action are not asked.
  if (process.argv[1] !== '/runtime/proxy.cjs') openNames();
}

module.exports = { openNames };
