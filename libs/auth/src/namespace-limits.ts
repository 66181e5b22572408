import { Failure, isName, limitNames, spaces, type LimitName, type LimitOverrides } from '#libs/domain';
import type { AdminRows } from './admin-rows.js';
import { idOfName, limitsOfRows } from './identity.js';

/** What namespaces may, where it differs from the profile: one row a limit, so that two operators who set two limits at once both have their way. */
export class NamespaceLimits {
  constructor(private readonly rows: AdminRows) {}

  /** The limits that a namespace has of its own; there need not be such a namespace yet. */
  async get(namespace: string): Promise<LimitOverrides> {
    return limitsOfRows(await this.rows.store.inNamespace(spaces.limits, idOfName('namespace', namespace)));
  }

  /** Sets the limits that are given and leaves the others as they are. */
  async set(namespace: string, limits: LimitOverrides): Promise<void> {
    if (!isName(namespace)) throw new Failure('bad-request', { reason: 'The name of the namespace contains illegal characters.' });
    for (const limit of limitNames) {
      const value = limits[limit];
      if (value !== undefined) await this.rows.put(keyOf(namespace, limit), { value });
    }
  }

  /** Takes limits back, all of them unless they are named, and returns how many there were. */
  async delete(namespace: string, limits: readonly LimitName[] = limitNames): Promise<number> {
    const dropped = await Promise.all(limits.map((limit) => this.rows.drop(keyOf(namespace, limit))));
    return dropped.filter(Boolean).length;
  }
}

function keyOf(namespace: string, limit: LimitName) {
  return { space: spaces.limits, ns: idOfName('namespace', namespace), path: limit };
}
