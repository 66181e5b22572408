import { kinds, spaces, type EntityId, type Hlc, type JsonText, type NamespaceId, type RegionCode } from '#libs/domain';
import type { ReplicaRow } from './index.js';

/** A valid row; a test shows only what matters to it. */
export function aRow(fields: Partial<ReplicaRow> = {}): ReplicaRow {
  return {
    space: spaces.definition,
    ns: '11111111-1111-4111-8111-111111111111' as NamespaceId,
    path: 'hello',
    kind: kinds.action,
    entityId: '22222222-2222-4222-8222-222222222222' as EntityId,
    hlc: '65536' as Hlc,
    origin: 1 as RegionCode,
    schema: 1,
    deleted: false,
    doc: '{"version":"0.0.1"}' as JsonText,
    sealed: null,
    blob: null,
    requires: [],
    updated: 1,
    createdHlc: '65536' as Hlc,
    seen: {},
    extra: {},
    ...fields,
  };
}

/** A tombstone. */
export function aTombstone(fields: Partial<ReplicaRow> = {}): ReplicaRow {
  return aRow({ deleted: true, doc: null, ...fields });
}
