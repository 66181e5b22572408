import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ReadThrough } from '#libs/auth';
import {
  entityIdAt,
  EntityStore,
  EventBus,
  Failure,
  spaces,
  splitPath,
  type Entity,
  type EntityKey,
  type EntityKind,
  type EntityRow,
  type EntityWrite,
  type NamespaceId,
  type Parameter,
} from '#libs/domain';
import { keyRequiredBy, keyVersionOf, NamespaceKeys } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { announce } from './announce.js';
import { blobOf, decodeParameters, decodeRow, encodeDraft, encodeParameters, kindOf, type Draft } from './codec.js';

/** What a write left behind: the entity as stored, and the token that waits for it in other regions. */
export interface Written<E extends Entity = Entity> {
  readonly entity: E;
  readonly token: string;
}

const bounds = { max: 10_000, ttlMs: 5000 };

/**
 * The definitions of the region: actions, packages, triggers and rules with their parameters in clear. `find` may be as old as the last
 * event or five seconds; `read` is not. A write in this process is seen by both at once.
 */
@Injectable()
export class Definitions {
  private readonly cache = new ReadThrough<Entity>(bounds, (key) => this.load(key));

  constructor(
    private readonly store: EntityStore,
    private readonly keys: NamespaceKeys,
    private readonly events: EventBus,
    private readonly logger: Logger,
  ) {}

  /** A definition from memory or the store, for what must be quick. */
  find(ns: NamespaceId, path: string): Promise<Entity | undefined> {
    return this.cache.read(`${ns} ${path}`);
  }

  /** A definition from the store. */
  async read(ns: NamespaceId, path: string): Promise<Entity | undefined> {
    const row = await this.store.find({ space: spaces.definition, ns, path });
    return row && this.open(row);
  }

  /** A page of definitions of one kind, latest first, without their parameters. */
  async list(query: { ns: NamespaceId; kind: EntityKind; pkg?: string; skip: number; limit: number }): Promise<Entity[]> {
    return (await this.store.list(query)).map((row) => decodeRow(row));
  }

  /** How many there are. */
  count(query: { ns: NamespaceId; kind: EntityKind; pkg?: string }): Promise<number> {
    return this.store.count(query);
  }

  /**
   * Lets `decide` say what becomes of a definition, given what it is now (without parameters), and stores that. Parameters are replaced
   * where they are given and kept where not.
   */
  async write<D extends Draft>(
    at: { readonly ns: NamespaceId; readonly path: string },
    parameters: readonly Parameter[] | undefined,
    decide: (current: Entity | undefined) => D,
  ): Promise<Written<Extract<Entity, { type: D['type'] }>>> {
    const sealed = parameters === undefined ? undefined : await this.seal(at.ns, parameters);
    const written = await this.commit(at, (row) => {
      const draft = decide(row && decodeRow(row));
      const kept = sealed === undefined ? (row?.sealed ?? null) : sealed;
      return {
        kind: kindOf(draft),
        entityId: row?.entityId ?? entityIdAt(Date.now(), randomBytes(10).toString('hex')),
        deleted: false,
        doc: encodeDraft(draft),
        sealed: kept,
        blob: blobOf(draft),
        requires: [...parentOf(at.path), ...keysOf(draft, kept)],
        updated: Date.now(),
      };
    });
    return { entity: (await this.open(written.row)) as Extract<Entity, { type: D['type'] }>, token: written.token };
  }

  /** Deletes a definition and returns it as it was. `check` may refuse; there is a 404 where there is none. */
  async remove<E extends Entity>(
    at: { readonly ns: NamespaceId; readonly path: string },
    check: (current: Entity) => E,
  ): Promise<Written<E>> {
    let gone: EntityRow | undefined;
    const { token } = await this.commit(at, (row) => {
      if (!row) throw new Failure('not-found');
      check(decodeRow(row));
      gone = row;
      const { kind, entityId } = row;
      return { kind, entityId, deleted: true, doc: null, sealed: null, blob: null, requires: [], updated: Date.now() };
    });
    if (!gone) throw new Failure('not-found');
    return { entity: check(await this.open(gone)), token };
  }

  /** Forgets a definition that changed. */
  forget({ space, ns, path }: EntityKey): void {
    if (space === spaces.definition) this.cache.forget(`${ns} ${path}`);
  }

  private async commit(
    { ns, path }: { readonly ns: NamespaceId; readonly path: string },
    decide: (row: EntityRow | undefined) => EntityWrite,
  ): Promise<{ row: EntityRow; token: string }> {
    const key: EntityKey = { space: spaces.definition, ns, path };
    const written = await this.store.write(key, decide);
    this.forget(key);
    announce(this.events, this.logger, key);
    return written;
  }

  private async load(key: string): Promise<Entity | undefined> {
    const blank = key.indexOf(' ');
    return this.read(key.slice(0, blank) as NamespaceId, key.slice(blank + 1));
  }

  private async seal(ns: NamespaceId, parameters: readonly Parameter[]): Promise<Uint8Array | null> {
    return parameters.length === 0 ? null : this.keys.seal(ns, encodeParameters(parameters));
  }

  private async open(row: EntityRow): Promise<Entity> {
    return decodeRow(row, row.sealed ? decodeParameters(await this.keys.open(row.ns, row.sealed)) : []);
  }
}

/** Code and parameters are visible only where the keys are that open them. */
function keysOf(draft: Draft, sealed: Uint8Array | null): EntityWrite['requires'] {
  const code = draft.type === 'action' && draft.exec.type !== 'sequence' ? draft.exec.keyVersion : undefined;
  return keyRequiredBy(code, sealed === null ? undefined : keyVersionOf(sealed));
}

/** An action in a package is visible only where its package is. */
function parentOf(path: string): EntityWrite['requires'] {
  const { pkg } = splitPath(path);
  return pkg === undefined ? [] : [{ space: spaces.definition, path: pkg }];
}
