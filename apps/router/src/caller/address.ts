import ipaddr from 'ipaddr.js';

/** An IP address in its one canonical form: dotted IPv4 (never mapped into IPv6), or compressed lower-case IPv6 without a zone. */
export type Address = string & { readonly __address: unique symbol };

/** A range of addresses. */
export type AddressRange = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * The canonical form of an address as proxies and sockets write it: bare, bracketed, with a port, with a zone, IPv4 mapped into IPv6.
 * Undefined for anything else, among it IPv4 with leading zeros or fewer than four parts, which readers disagree about.
 */
export function canonicalAddress(text: string): Address | undefined {
  const bare = withoutPort(text.trim()).replace(/%[\w.-]+$/, '');
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare).toString() as Address;
  if (!bare.includes(':') || !ipaddr.IPv6.isValid(bare)) return undefined;
  const address = ipaddr.IPv6.parse(bare);
  return (address.isIPv4MappedAddress() ? address.toIPv4Address() : address).toString() as Address;
}

/** Reads a list of addresses and CIDR ranges; throws naming the entry it cannot read. */
export function readRanges(entries: readonly string[]): AddressRange[] {
  return entries.map((entry) => {
    try {
      return entry.includes('/') ? ipaddr.parseCIDR(entry) : single(ipaddr.parse(entry));
    } catch (cause) {
      throw new Error(`'${entry}' is neither an IP address nor a CIDR range`, { cause });
    }
  });
}

/** Whether an address lies in one of the ranges. */
export function isWithin(address: Address, ranges: readonly AddressRange[]): boolean {
  const parsed = ipaddr.parse(address);
  return ranges.some(([base, bits]) => base.kind() === parsed.kind() && parsed.match(base, bits));
}

/** The network an address belongs to, as coarse as we are willing to remember a caller: /24 or /48. */
export function networkOf(address: Address): string {
  const parsed = ipaddr.parse(address);
  const bits = parsed.kind() === 'ipv4' ? 24 : 48;
  const base = parsed.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${base.networkAddressFromCIDR(`${address}/${bits}`).toString()}/${bits}`;
}

function single(address: ipaddr.IPv4 | ipaddr.IPv6): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text);
  if (bracketed) return bracketed[1] ?? '';
  const v4 = /^([\d.]+):\d{1,5}$/.exec(text);
  return v4 ? (v4[1] ?? '') : text;
}
