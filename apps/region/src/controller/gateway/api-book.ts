import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ReadThrough } from '#libs/auth';
import { EntityStore, EventBus, kinds, spaces, type EntityId, type EntityKey, type EntityRow, type NamespaceId } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { announce } from '../definitions/announce.js';
import { emptyRest, type Api, type ApiRest, type ApiRoute } from './api.js';
import { decodeRest, decodeRoute, encodeRest, encodeRoute, restKey, routeKey, type Stored } from './api-rows.js';
import { routeTable, type RouteTable, type TabledApi } from './route-table.js';

const bounds = { max: 1000, ttlMs: 5000 };

/**
 * The APIs of the region. Each operation is a row of its own and so is what an API's document says beside them, so that two regions which
 * add operations to one API at the same time both keep theirs. There is an API where there is an operation; its name and settings are the
 * customary ones where their row is gone.
 */
@Injectable()
export class ApiBook {
  private readonly tables = new ReadThrough<RouteTable>(bounds, async (ns) => routeTable(await this.load(ns as NamespaceId)));

  constructor(
    private readonly store: EntityStore,
    private readonly keys: NamespaceKeys,
    private readonly events: EventBus,
    private readonly logger: Logger,
  ) {}

  /** What a namespace's requests are matched with; as old as the last event or five seconds. */
  async table(ns: NamespaceId): Promise<RouteTable> {
    return (await this.tables.read(ns)) ?? routeTable([]);
  }

  /** The APIs of a namespace by base path, from the store. */
  async read(ns: NamespaceId): Promise<Api[]> {
    return (await this.load(ns)).map(({ rest, routes }) => ({ rest, routes: routes.map(({ route }) => route) }));
  }

  /** Stores a route and returns the token of the write. */
  putRoute(ns: NamespaceId, route: ApiRoute): Promise<string> {
    return this.put(routeKey(ns, route), encodeRoute(route));
  }

  /** Stores what a document says beside its operations and returns the token of the write. */
  putRest(ns: NamespaceId, rest: ApiRest): Promise<string> {
    return this.put(restKey(ns, rest.basePath), encodeRest(rest));
  }

  /** Removes routes and returns the token of the last write, if there was one. */
  async remove(ns: NamespaceId, routes: readonly ApiRoute[]): Promise<string | undefined> {
    let token: string | undefined;
    for (const route of routes) token = await this.drop(routeKey(ns, route));
    return token;
  }

  /** Removes what is left of an API without operations, and returns the token of the write. */
  removeRest(ns: NamespaceId, rest: ApiRest): Promise<string> {
    return this.drop(restKey(ns, rest.basePath));
  }

  /** Forgets the APIs of a namespace in which one changed. */
  forget({ space, ns }: Pick<EntityKey, 'space' | 'ns'>): void {
    if (space === spaces.apiRoute || space === spaces.apiDocument) this.tables.forget(ns);
  }

  private async put(key: EntityKey, { doc, secret }: Stored): Promise<string> {
    const sealed = secret === undefined ? null : await this.keys.seal(key.ns, Buffer.from(secret));
    return this.write(key, { doc, sealed, deleted: false });
  }

  private drop(key: EntityKey): Promise<string> {
    return this.write(key, { doc: null, sealed: null, deleted: true });
  }

  private async write(key: EntityKey, state: Pick<EntityRow, 'doc' | 'sealed' | 'deleted'>): Promise<string> {
    const { token } = await this.store.write(key, (current) => {
      const entityId = current?.entityId ?? (randomUUID() as EntityId);
      return { ...state, kind: kinds.other, entityId, blob: null, requires: [], updated: Date.now() };
    });
    this.forget(key);
    announce(this.events, this.logger, key);
    return token;
  }

  private async load(ns: NamespaceId): Promise<TabledApi[]> {
    const [routeRows, restRows] = await Promise.all([
      this.store.inNamespace(spaces.apiRoute, ns),
      this.store.inNamespace(spaces.apiDocument, ns),
    ]);
    const rests = new Map<string, ApiRest>();
    for (const row of restRows) rests.set(row.path, decodeRest(row, await this.secretOf(row)));
    const apis = new Map<string, { rest: ApiRest; routes: { route: ApiRoute; version: string }[] }>();
    for (const row of routeRows) {
      const route = decodeRoute(row, await this.secretOf(row));
      const api = apis.get(route.basePath) ?? { rest: rests.get(route.basePath) ?? emptyRest(route.basePath), routes: [] };
      api.routes.push({ route, version: row.hlc });
      apis.set(route.basePath, api);
    }
    return [...apis.values()];
  }

  private async secretOf({ ns, sealed }: EntityRow): Promise<string | undefined> {
    return sealed ? (await this.keys.open(ns, sealed)).toString('utf8') : undefined;
  }
}
