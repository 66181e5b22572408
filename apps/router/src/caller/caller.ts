import { canonicalAddress, isWithin, type Address, type AddressRange } from './address.js';

/** Who is calling, as far as it can be believed. */
export interface Caller {
  /** The client; undefined when not even the peer has an address. */
  readonly address: Address | undefined;
  /** The client and every proxy it verifiably came through, the peer last. */
  readonly chain: readonly Address[];
  /** Whether the TCP peer is a trusted proxy, so that its other forwarding headers may be believed too. */
  readonly viaProxy: boolean;
}

/** Longest chain of proxies that is followed. */
const hopsMax = 32;

/**
 * The client's address. From an unlisted peer it is the peer, whatever the headers say; from a trusted one X-Forwarded-For (all its lines,
 * in order) is walked right to left to the first address that is not a trusted proxy. An unreadable entry ends the walk at the hop before it.
 */
export function findCaller(peer: string | undefined, forwardedFor: string | undefined, trusted: readonly AddressRange[]): Caller {
  let address = peer === undefined ? undefined : canonicalAddress(peer);
  if (address === undefined) return { address, chain: [], viaProxy: false };
  const viaProxy = isWithin(address, trusted);
  const chain: Address[] = [address];
  const entries = forwardedFor?.split(',') ?? [];
  while (isWithin(address, trusted) && entries.length > 0 && chain.length < hopsMax) {
    const next = canonicalAddress(entries.pop() ?? '');
    if (next === undefined) break;
    address = next;
    chain.unshift(address);
  }
  return { address, chain, viaProxy };
}
