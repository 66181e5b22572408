import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ObjectStore, type RunAction } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { deadline } from './deadline.js';
import { InvokerOptions } from './options.js';

const loadMs = 10_000;

/** Decrypted code of the action versions that ran here lately, bounded in bytes. */
@Injectable()
export class CodeCache {
  private readonly cache: LRUCache<string, Uint8Array>;
  private readonly loading = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(
    private readonly objects: ObjectStore,
    private readonly keys: NamespaceKeys,
    options: InvokerOptions,
  ) {
    this.cache = new LRUCache({ maxSize: options.codeCacheBytes, sizeCalculation: (code) => code.length + 1 });
  }

  /** The code of an action version, undefined where the region does not have it; throws when it cannot be read or decrypted. */
  async read(action: RunAction): Promise<Uint8Array | undefined> {
    if (action.blob === '') return new Uint8Array(0);
    const key = `${action.entityId} ${action.hlc}`;
    const cached = this.cache.get(key);
    if (cached) return cached;
    const loading = this.loading.get(key) ?? this.load(key, action);
    this.loading.set(key, loading);
    return loading;
  }

  private async load(key: string, { blob, ns }: RunAction): Promise<Uint8Array | undefined> {
    try {
      const sealed = await deadline(this.objects.find(blob), loadMs, 'reading code');
      if (!sealed) return undefined;
      const code = await deadline(this.keys.openCode(ns, sealed), loadMs, 'decrypting code');
      this.cache.set(key, code);
      return code;
    } finally {
      this.loading.delete(key);
    }
  }
}
