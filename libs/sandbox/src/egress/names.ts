import { promises, Resolver } from 'node:dns';
import { isIP } from 'node:net';
import { EgressError } from './egress-error.js';

/** One address of a name. */
export interface NamedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Kinds of records besides addresses that an action may ask for, as Node.js' `resolve` names them. */
export const recordTypes = ['CAA', 'CNAME', 'MX', 'NAPTR', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const;
export type RecordType = (typeof recordTypes)[number];

const lookupMs = 10_000;
const loopback: readonly NamedAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/**
 * Finds addresses. Tenants' names are asked of name servers without a thread each: getaddrinfo has few threads, which a handful of slow names would
 * hold. Names that the operator vouches for take the machine's own way, with its hosts file and search domains.
 */
export class Names {
  private readonly resolver = new Resolver({ timeout: 2000, tries: 2 });

  /** `servers` are asked instead of the machine's, where there are any. */
  constructor(servers: readonly string[]) {
    if (servers.length > 0) this.resolver.setServers(servers);
  }

  /** All addresses of a host, at least one. Throws EgressError. */
  async addresses(host: string, trusted: boolean): Promise<readonly NamedAddress[]> {
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family: family === 4 ? 4 : 6 }];
    if (/^(.+\.)?localhost\.?$/i.test(host)) return loopback;
    return trusted ? this.fromMachine(host) : this.fromServers(host);
  }

  /** Records of another kind. Throws EgressError. */
  async records(name: string, type: RecordType): Promise<unknown> {
    return bounded(
      name,
      new Promise((resolve, reject) => this.resolver.resolve(name, type, (error, found) => (error ? reject(error) : resolve(found)))),
    );
  }

  private async fromMachine(host: string): Promise<NamedAddress[]> {
    const found = await bounded(host, promises.lookup(host, { all: true, order: 'verbatim' }));
    return found.map(({ address, family }) => ({ address, family: family === 4 ? 4 : 6 }));
  }

  private async fromServers(host: string): Promise<NamedAddress[]> {
    const ask = (method: 'resolve4' | 'resolve6', family: 4 | 6): Promise<NamedAddress[]> =>
      new Promise((resolve, reject) => {
        this.resolver[method](host, (error, found) => (error ? reject(error) : resolve(found.map((address) => ({ address, family })))));
      });
    const [v4, v6] = await bounded(host, Promise.allSettled([ask('resolve4', 4), ask('resolve6', 6)]));
    const found = [v4, v6].flatMap((answer) => (answer?.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) return found;
    throw nameError(host, v4?.status === 'rejected' ? v4.reason : undefined);
  }
}

async function bounded<T>(host: string, asking: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EgressError('EAI_AGAIN', `no answer about ${host} within ${lookupMs} ms`)), lookupMs);
  });
  try {
    return await Promise.race([asking, late]);
  } catch (error) {
    throw error instanceof EgressError ? error : nameError(host, error);
  } finally {
    clearTimeout(timer);
  }
}

function nameError(host: string, cause: unknown): EgressError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME' || code === undefined)
    return new EgressError('ENOTFOUND', `there is no ${host}`);
  return new EgressError('EAI_AGAIN', `no name server answers about ${host}`);
}
