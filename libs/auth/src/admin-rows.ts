import { randomUUID } from 'node:crypto';
import { Failure, kinds, toJsonText, type EntityId, type EntityKey, type EntityStore, type EntityWrite, type Json } from '#libs/domain';

/** Rows that administration writes, one intention each; `changed` is told of every one that is through. */
export class AdminRows {
  constructor(
    readonly store: EntityStore,
    private readonly changed: (key: EntityKey) => void,
  ) {}

  /** Writes a row, whatever stood there. */
  async put(key: EntityKey, doc: object, more: Partial<Pick<EntityWrite, 'sealed' | 'requires'>> = {}): Promise<void> {
    await this.store.write(key, (current) => ({
      kind: kinds.other,
      entityId: current?.entityId ?? (randomUUID() as EntityId),
      deleted: false,
      doc: toJsonText(doc as Json),
      sealed: more.sealed ?? null,
      blob: null,
      requires: more.requires ?? [],
      updated: Date.now(),
    }));
    this.changed(key);
  }

  /** Says that a row changed which somebody else wrote. */
  announce(key: EntityKey): void {
    this.changed(key);
  }

  /** Deletes a row; false where there is none. */
  async drop(key: EntityKey): Promise<boolean> {
    try {
      await this.store.write(key, (current) => {
        if (!current) throw new Failure('not-found');
        const { kind, entityId } = current;
        return { kind, entityId, deleted: true, doc: null, sealed: null, blob: null, requires: [], updated: Date.now() };
      });
    } catch (cause) {
      if (cause instanceof Failure && cause.code === 'not-found') return false;
      throw cause;
    }
    this.changed(key);
    return true;
  }
}
