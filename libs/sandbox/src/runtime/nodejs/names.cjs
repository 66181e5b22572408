'use strict';
/** Name resolution in a sandbox: there is no name server, so what `dns` offers asks the gateway. */
const dns = require('node:dns');
const { isIP } = require('node:net');

/** Methods of `dns` and of its resolvers, and the type of record each asks for. */
const types = {
  resolveCaa: 'CAA',
  resolveCname: 'CNAME',
  resolveMx: 'MX',
  resolveNaptr: 'NAPTR',
  resolveNs: 'NS',
  resolvePtr: 'PTR',
  resolveSoa: 'SOA',
  resolveSrv: 'SRV',
  resolveTxt: 'TXT',
};
const promisified = Symbol.for('nodejs.util.promisify.custom');

function install({ ask, systemError, isLoopback }) {
  const { parse } = JSON;

  /** The gateway's answer about a name. */
  function question(type, name, syscall) {
    return new Promise((resolve, reject) => {
      const refuse = (cause) => reject(systemError(cause, syscall, name, { hostname: name }));
      ask(`GET /names/${type}/${encodeURIComponent(name)} HTTP/1.1`, (failure, socket) => {
        if (failure) return refuse(failure);
        const chunks = [];
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('error', refuse).resume();
        socket.on('end', () => {
          socket.destroy();
          try {
            resolve(parse(Buffer.concat(chunks).toString('utf8')));
          } catch {
            refuse({ code: 'EAI_AGAIN' });
          }
        });
      });
    });
  }

  async function addresses(name, family, syscall) {
    const found = (await question('ADDRESS', name, syscall)).filter((one) => family === 0 || one.family === family);
    if (found.length === 0) throw systemError({ code: 'ENOTFOUND' }, syscall, name, { hostname: name });
    return found;
  }

  const { lookup: lookupHere } = dns;
  const lookupPromised = dns.promises.lookup;
  const isHere = (name) => typeof name !== 'string' || name === '' || isIP(name) !== 0 || isLoopback(name);
  const familyOf = (options) => {
    const family = typeof options === 'number' ? options : (options?.family ?? 0);
    return family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
  };

  async function lookupPromise(name, options) {
    if (isHere(name)) return lookupPromised(name, options);
    const found = await addresses(name, familyOf(options), 'getaddrinfo');
    return options?.all === true ? found : found[0];
  }

  function lookup(name, options, callback) {
    const done = typeof options === 'function' ? options : callback;
    const chosen = typeof options === 'function' ? {} : options;
    if (isHere(name) || typeof done !== 'function') return lookupHere(name, options, callback);
    lookupPromise(name, chosen).then(
      (found) => process.nextTick(() => (chosen?.all === true ? done(null, found) : done(null, found.address, found.family))),
      (error) => process.nextTick(done, error),
    );
    return {};
  }
  lookup[promisified] = (name, options) => lookupPromise(name, options);

  const family = (number) => async (name, options) => {
    const found = await addresses(name, number, `query${number === 4 ? 'A' : 'Aaaa'}`);
    return options?.ttl === true ? found.map(({ address }) => ({ address, ttl: 0 })) : found.map(({ address }) => address);
  };
  const promised = { resolve4: family(4), resolve6: family(6) };
  for (const [method, type] of Object.entries(types))
    promised[method] = (name) => question(type, name, `query${method.slice('resolve'.length)}`);
  promised.resolve = (name, type = 'A') => {
    const method = type === 'A' ? 'resolve4' : type === 'AAAA' ? 'resolve6' : Object.keys(types).find((key) => types[key] === type);
    if (!method) return Promise.reject(systemError({ code: 'ENOTIMP' }, `query${type}`, name, { hostname: name }));
    return promised[method](name);
  };

  for (const [method, answer] of Object.entries(promised)) {
    const called = function (name, ...rest) {
      const callback = rest.pop();
      answer(name, ...rest).then(
        (found) => process.nextTick(callback, null, found),
        (error) => process.nextTick(callback, error),
      );
      return {};
    };
    for (const target of [dns, dns.Resolver.prototype]) target[method] = called;
    for (const target of [dns.promises, dns.promises.Resolver.prototype]) target[method] = (name, options) => answer(name, options);
  }
  dns.lookup = lookup;
  dns.promises.lookup = lookupPromise;
  // Modules that import names see the same.
  require('node:module').syncBuiltinESMExports();
}

module.exports = { install };
