import ipaddr from 'ipaddr.js';

/** What an operator says about the network of actions. */
export interface EgressRules {
  /** `listed`: public addresses on the listed ports; `open`: on any port; `none`: nothing. What `allow` names can be reached in every mode. */
  readonly mode: 'open' | 'listed' | 'none';
  /** Ports and ranges of them, such as `443` and `9096-9352`. */
  readonly ports: readonly string[];
  /** What can be reached besides, whatever its address: `address`, `address/bits`, `name` or `*.name`, each with or without `:port`. */
  readonly allow: readonly string[];
  /** Servers of the platform's own API, as `host:port`: they can be reached too, and are told apart from what else is. */
  readonly apis?: readonly string[];
}

/** Whether a connection may be made; `reason` is told to the action. */
export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

type Address = ipaddr.IPv4 | ipaddr.IPv6;

interface Entry {
  readonly port: number | undefined;
  /** What is vouched for: names or addresses. */
  readonly vouches: { readonly name: (host: string) => boolean } | { readonly address: (address: Address) => boolean };
}

/** Azure answers every machine's questions about itself at an address that looks public. */
const metadata = new Set(['168.63.129.16']);
/** All of IPv6 that is routed on the Internet today (IANA, global unicast). */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');
const yes: Verdict = { allowed: true };

/**
 * Decides which address an action may reach. An address is judged, never a name: whoever owns a name may let it point anywhere. Only names that the
 * operator lists are trusted with every address that they have.
 */
export class EgressPolicy {
  private constructor(
    private readonly mode: EgressRules['mode'],
    private readonly ports: readonly (readonly [number, number])[],
    private readonly entries: readonly Entry[],
    private readonly apis: readonly Entry[],
  ) {}

  /** Throws naming the first entry that cannot be read. */
  static from({ mode, ports, allow, apis = [] }: EgressRules): EgressPolicy {
    const own = apis.map(entryOf);
    return new EgressPolicy(mode, ports.map(portRange), [...own, ...allow.map(entryOf)], own);
  }

  /** Whether an address and port, asked for as `host`, are those of the platform's own API. */
  isApi(host: string, address: string, port: number): boolean {
    const to = parse(address);
    return this.apis.some((entry) => (entry.port ?? port) === port && covers(entry, host, to));
  }

  /** Whether a connection asked for as `host` may go to `address` on `port`. `own` are the addresses of this machine. */
  connection(host: string, address: string, port: number, own: ReadonlySet<string>): Verdict {
    const to = parse(address);
    if (this.entries.some((entry) => (entry.port ?? port) === port && covers(entry, host, to))) return yes;
    const open = this.address(to, own);
    if (!open.allowed || this.mode === 'open') return open;
    if (this.ports.some(([first, last]) => first <= port && port <= last)) return yes;
    return no(`port ${port} is not among those that actions may reach`);
  }

  /** Whether an action may learn that `host` has `address`: whether it could be reached on some port. */
  answer(host: string, address: string, own: ReadonlySet<string>): Verdict {
    const to = parse(address);
    return this.entries.some((entry) => covers(entry, host, to)) ? yes : this.address(to, own);
  }

  /** Whether the operator vouches for a name. */
  trusts(host: string): boolean {
    return this.entries.some(({ vouches }) => 'name' in vouches && vouches.name(host));
  }

  /** Whether any name may be asked for. */
  get asksNames(): boolean {
    return this.mode !== 'none';
  }

  private address(to: Address, own: ReadonlySet<string>): Verdict {
    if (this.mode === 'none') return no('actions may reach listed addresses only');
    const text = to.toString();
    const routed = to.range() === 'unicast' && (to.kind() === 'ipv4' || (to as ipaddr.IPv6).match(globalUnicast));
    if (!routed || metadata.has(text)) return no(`${text} is not a public address`);
    return own.has(text) ? no(`${text} belongs to the platform`) : yes;
  }
}

/** An address as the policy writes it: IPv4 where it is an IPv4 address in IPv6 clothes, without a zone. */
export function plainAddress(address: string): string {
  return parse(address).toString();
}

/** The entry of an allow list that stands for the server of a URL. */
export function entryOfUrl(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

function parse(address: string): Address {
  return ipaddr.process(address.replace(/%.*$/, ''));
}

function covers({ vouches }: Entry, host: string, address: Address): boolean {
  return 'name' in vouches ? vouches.name(host) : vouches.address(address);
}

function no(reason: string): Verdict {
  return { allowed: false, reason };
}

function portRange(text: string): readonly [number, number] {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = [Number(first), Number(last)] as const;
  if (!(range[0] >= 1 && range[0] <= range[1] && range[1] <= 65_535)) throw new Error(`'${text}' is no port and no range of ports`);
  return range;
}

function entryOf(text: string): Entry {
  const bad = (): Error => new Error(`'${text}' is no address, CIDR range or name, with or without a port`);
  const bare = ipaddr.IPv6.isValid(text) || ipaddr.IPv6.isValidCIDR(text);
  const [, bracketed, plain, port] = bare ? ['', text] : (/^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []);
  const target = (bracketed ?? plain ?? '').toLowerCase();
  const entry = (vouches: Entry['vouches']): Entry => ({ port: port === undefined ? undefined : portRange(port)[0], vouches });
  if (ipaddr.isValidCIDR(target)) return entry({ address: within(ipaddr.parseCIDR(target)) });
  // Four numbers and nothing else: shorter forms of IPv4 addresses are a trap.
  if (ipaddr.IPv4.isValidFourPartDecimal(target) || ipaddr.IPv6.isValid(target)) {
    const wanted = plainAddress(target);
    return entry({ address: (address) => address.toString() === wanted });
  }
  if (bracketed !== undefined || !/^(\*\.)?([a-z0-9_-]+\.)*[a-z][a-z0-9_-]*\.?$/.test(target)) throw bad();
  const name = plainName(target);
  return entry({ name: name.startsWith('*.') ? (host) => plainName(host).endsWith(name.slice(1)) : (host) => plainName(host) === name });
}

function within([net, bits]: readonly [Address, number]): (address: Address) => boolean {
  return (address) => net.kind() === address.kind() && address.match(net, bits);
}

/** A name as it is compared: small letters, without the root's dot. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
