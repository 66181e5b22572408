import type { Answer } from '#libs/http';
import { LRUCache } from 'lru-cache';
import { keptMs, varies } from './cache-rules.js';

/** Bounds of a cache, bytes. */
export interface CacheBounds {
  readonly bytes: number;
  /** The largest answer that is kept. */
  readonly answerBytes: number;
  /** What the answers of one tenant may take, so that nobody drives out everybody else's. */
  readonly tenantBytes: number;
}

/** Headers of a request, by lower-case name. */
type RequestHeaders = Readonly<Record<string, string | undefined>>;

const MiB = 1024 * 1024;
const customary: CacheBounds = { bytes: 64 * MiB, answerBytes: MiB, tenantBytes: 16 * MiB };
const entriesMax = 20_000;
/** Overhead of an entry, about. */
const entryBytes = 512;

interface Kept {
  readonly tenant: string;
  readonly answer: Answer;
  /** Epoch ms. */
  readonly since: number;
}

/**
 * Answers that say that they may be told again, in memory, the least recently asked for out first. An address stands for one tenant and one
 * request; where an answer depends on headers of the request, it is told only to those that have the same ones.
 */
export class ResponseCache {
  private readonly kept: LRUCache<string, Kept>;
  /** What the answers of an address depend on. */
  private readonly dependencies = new LRUCache<string, readonly string[]>({ max: entriesMax });
  private readonly held = new Map<string, number>();

  constructor(
    private readonly bounds = customary,
    private readonly now: () => number = Date.now,
  ) {
    this.kept = new LRUCache({
      max: entriesMax,
      maxSize: bounds.bytes,
      sizeCalculation: ({ answer }, key) => sizeOf(key, answer),
      dispose: ({ tenant, answer }, key) => this.count(tenant, -sizeOf(key, answer)),
    });
  }

  /** The answer to a request, or undefined. It says its age. */
  find(address: string, headers: RequestHeaders): Answer | undefined {
    const names = this.dependencies.get(address);
    const key = names && keyOf(address, names, headers);
    const found = key === undefined ? undefined : this.kept.get(key);
    if (!found || key === undefined) return undefined;
    const ageMs = this.now() - found.since;
    if (ageMs < keptMs(found.answer))
      return { ...found.answer, headers: { ...found.answer.headers, age: String(Math.floor(ageMs / 1000)) } };
    this.kept.delete(key);
    return undefined;
  }

  /** Keeps an answer, where it may be kept and there is room for it. */
  keep(tenant: string, address: string, headers: RequestHeaders, answer: Answer): void {
    if (keptMs(answer) === 0) return;
    const names = varies(answer.headers);
    const key = keyOf(address, names, headers);
    const bytes = sizeOf(key, answer);
    if (bytes > this.bounds.answerBytes) return;
    this.kept.delete(key);
    if (!this.hasRoom(tenant, bytes)) return;
    this.count(tenant, bytes);
    this.dependencies.set(address, names);
    this.kept.set(key, { tenant, answer, since: this.now() });
  }

  /** Whether a tenant may have so much more; what is out of date makes room. */
  private hasRoom(tenant: string, bytes: number): boolean {
    const fits = (): boolean => (this.held.get(tenant) ?? 0) + bytes <= this.bounds.tenantBytes;
    if (fits()) return true;
    for (const [key, { tenant: holder, answer, since }] of this.kept.entries()) {
      if (holder === tenant && this.now() - since >= keptMs(answer)) this.kept.delete(key);
    }
    return fits();
  }

  private count(tenant: string, bytes: number): void {
    const left = (this.held.get(tenant) ?? 0) + bytes;
    if (left > 0) this.held.set(tenant, left);
    else this.held.delete(tenant);
  }
}

function keyOf(address: string, names: readonly string[], headers: RequestHeaders): string {
  return JSON.stringify([address, ...names.map((name) => [name, headers[name] ?? null])]);
}

function sizeOf(key: string, { headers, body = '' }: Answer): number {
  const heads = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
  return entryBytes + 2 * key.length + 2 * heads + (typeof body === 'string' ? 2 * body.length : body.length);
}
