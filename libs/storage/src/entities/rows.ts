import {
  asJsonText,
  type EntityId,
  type EntityKind,
  type EntityRow,
  type Hlc,
  type NamespaceId,
  type RegionCode,
  type Space,
} from '#libs/domain';

/** A row of table `entity` as pg returns it. */
export interface DatabaseRow {
  readonly space: number;
  readonly ns: string;
  readonly path: string;
  readonly kind: number;
  readonly entity_id: string;
  readonly hlc: string;
  readonly origin: number;
  readonly schema: number;
  readonly deleted: boolean;
  readonly doc: string | null;
  readonly sealed: Buffer | null;
  readonly blob: string | null;
  readonly requires: EntityRow['requires'];
  readonly updated: string;
}

/** The columns of a DatabaseRow, in order. */
export const columns = 'space, ns, path, kind, entity_id, hlc, origin, schema, deleted, doc, sealed, blob, requires, updated';

/** The row in the words of the domain. */
export function toEntityRow(row: DatabaseRow): EntityRow {
  return {
    space: row.space as Space,
    ns: row.ns as NamespaceId,
    path: row.path,
    kind: row.kind as EntityKind,
    entityId: row.entity_id as EntityId,
    hlc: row.hlc as Hlc,
    origin: row.origin as RegionCode,
    schema: row.schema,
    deleted: row.deleted,
    doc: row.doc === null ? null : asJsonText(row.doc),
    sealed: row.sealed,
    blob: row.blob,
    requires: row.requires,
    updated: Number(row.updated),
  };
}
