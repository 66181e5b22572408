import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EntityStore, kinds, spaces, toJsonText, type EntityId, type Json, type NamespaceId } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { z } from 'zod';
import { isDestination, standardForwarding, type Destination, type Forwarding, type ForwardingSettings } from './destinations.js';

/** The document of the row: a destination with what may be shown of it. */
const Document = z.object({ destination: z.string().refine(isDestination), settings: z.record(z.string(), z.string()) });

/** A destination as it may be shown. */
export interface ShownForwarding {
  readonly destination: Destination;
  readonly shown: ForwardingSettings;
}

/** Where the logs of each namespace are to go: one row for each that said so, with its secrets sealed. */
@Injectable()
export class LogForwarding {
  constructor(
    private readonly store: EntityStore,
    private readonly keys: NamespaceKeys,
  ) {}

  /** What was set, without its secrets. */
  async read(ns: NamespaceId): Promise<ShownForwarding> {
    const row = await this.store.find(keyOf(ns));
    if (!row) return standardForwarding;
    const { destination, settings } = Document.parse(JSON.parse(row.doc ?? 'null'));
    return { destination, shown: settings };
  }

  /** Sets it, whole. */
  async write(ns: NamespaceId, { destination, shown, secret }: Forwarding): Promise<void> {
    const any = Object.keys(secret).length > 0;
    const sealed = any ? await this.keys.seal(ns, Buffer.from(JSON.stringify(secret))) : null;
    const doc: Json = { destination, settings: { ...shown } };
    await this.store.write(keyOf(ns), (current) => ({
      kind: kinds.other,
      entityId: current?.entityId ?? (randomUUID() as EntityId),
      deleted: false,
      doc: toJsonText(doc),
      sealed,
      blob: null,
      requires: [],
      updated: Date.now(),
    }));
  }
}

function keyOf(ns: NamespaceId): { space: typeof spaces.logForwarding; ns: NamespaceId; path: string } {
  return { space: spaces.logForwarding, ns, path: 'logForwarding' };
}
