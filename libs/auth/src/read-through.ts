import { LRUCache } from 'lru-cache';

/**
 * A bounded cache that loads what it lacks, once for all who ask at the same time. What is forgotten while it loads is handed to those
 * who waited and not kept, so a value read before a change never outlives it. Failures and absent values are not kept.
 */
export class ReadThrough<V extends object> {
  private readonly kept: LRUCache<string, V>;
  private readonly loading = new Map<string, Promise<V | undefined>>();

  constructor(
    bounds: { readonly max: number; readonly ttlMs: number },
    private readonly load: (key: string) => Promise<V | undefined>,
  ) {
    this.kept = new LRUCache({ max: bounds.max, ttl: bounds.ttlMs });
  }

  /** The value of a key, from memory where it is there. */
  async read(key: string): Promise<V | undefined> {
    return this.kept.get(key) ?? this.loading.get(key) ?? this.start(key);
  }

  /** Makes the next read load again. */
  forget(key: string): void {
    this.kept.delete(key);
    this.loading.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.kept.clear();
    this.loading.clear();
  }

  private start(key: string): Promise<V | undefined> {
    const loading: Promise<V | undefined> = this.load(key).then(
      (value) => {
        if (this.release(key, loading) && value !== undefined) this.kept.set(key, value);
        return value;
      },
      (error: unknown) => {
        this.release(key, loading);
        throw error;
      },
    );
    this.loading.set(key, loading);
    return loading;
  }

  /** Whether this load is still the current one; it ends being that. */
  private release(key: string, loading: Promise<V | undefined>): boolean {
    return this.loading.get(key) === loading && this.loading.delete(key);
  }
}
