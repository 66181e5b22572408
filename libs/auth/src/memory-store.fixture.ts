import {
  EntityStore,
  type EntityKey,
  type EntityRow,
  type EntityWrite,
  type Hlc,
  type NamespaceId,
  type RegionCode,
  type Space,
} from '#libs/domain';

/** Definitions of a region in memory. */
export class MemoryStore extends EntityStore {
  private readonly rows = new Map<string, EntityRow>();
  private clock = 0;

  override async find(key: EntityKey): Promise<EntityRow | undefined> {
    const row = this.rows.get(keyText(key));
    return row?.deleted ? undefined : row;
  }

  override async write(
    key: EntityKey,
    decide: (current: EntityRow | undefined) => EntityWrite,
  ): Promise<{ row: EntityRow; token: string }> {
    const hlc = String((this.clock += 1)) as Hlc;
    const row: EntityRow = { ...key, ...decide(await this.find(key)), hlc, origin: 1 as RegionCode, schema: 1 };
    this.rows.set(keyText(key), row);
    return { row, token: hlc };
  }

  override async list(query: Parameters<EntityStore['list']>[0]): Promise<EntityRow[]> {
    return this.matching(query).slice(query.skip, query.skip + query.limit);
  }

  override async count(query: Parameters<EntityStore['count']>[0]): Promise<number> {
    return this.matching(query).length;
  }

  override async findByPath(space: Space, path: string): Promise<EntityRow[]> {
    return (await this.all(space)).filter((row) => row.path === path);
  }

  override async all(space: Space): Promise<EntityRow[]> {
    return [...this.rows.values()].filter((row) => row.space === space && !row.deleted);
  }

  override async inNamespace(space: Space, ns: NamespaceId): Promise<EntityRow[]> {
    return (await this.all(space)).filter((row) => row.ns === ns).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  private matching({ ns, kind, pkg }: Parameters<EntityStore['count']>[0]): EntityRow[] {
    return [...this.rows.values()]
      .filter(
        (row) =>
          row.space === 0 && !row.deleted && row.ns === ns && row.kind === kind && (pkg === undefined || row.path.startsWith(`${pkg}/`)),
      )
      .toSorted((a, b) => b.updated - a.updated);
  }
}

function keyText({ space, ns, path }: EntityKey): string {
  return `${space} ${ns} ${path}`;
}
