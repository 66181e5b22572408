import { Injectable } from '@nestjs/common';
import { AdminRows } from '#libs/auth';
import {
  Failure,
  kinds,
  ObjectStore,
  spaces,
  toJsonText,
  type EntityRow,
  type EntityWrite,
  type Json,
  type NamespaceId,
  type Space,
} from '#libs/domain';
import { keyRequiredBy, keyVersionOf, NamespaceKeys, PgEntityStore } from '#libs/storage';

/** Rows of one page, and how often one is tried that changes meanwhile. */
const pageRows = 50;
const triesMax = 5;

/** What is encrypted in a row, encrypted with the newest key. */
type Renewed = Pick<EntityWrite, 'doc' | 'sealed' | 'blob' | 'requires'>;

/**
 * Gives a namespace a new key. New writes use it at once; what stands stays readable, because its key stays, and is encrypted anew page by page by
 * whoever asks for it. A row that is renewed says what it said: its version goes up by the least step, so no user's write is undone by it.
 */
@Injectable()
export class KeyRotation {
  constructor(
    private readonly rows: PgEntityStore,
    private readonly keys: NamespaceKeys,
    private readonly objects: ObjectStore,
    private readonly announcing: AdminRows,
  ) {}

  /** Makes the new key and returns its version. */
  async rotate(ns: NamespaceId): Promise<number> {
    const version = await this.keys.rotate(ns);
    this.announcing.announce({ space: spaces.namespaceKey, ns, path: `key/${version}` });
    return version;
  }

  /** Renews a page of rows behind `after` and returns how many needed it, and where the next page begins; null when there is none. */
  async reencrypt(ns: NamespaceId, after: string | undefined): Promise<{ renewed: number; next: string | null }> {
    const newest = await this.keys.newestVersion(ns);
    const page = await this.rows.encrypted(ns, readPlace(after), pageRows);
    let renewed = 0;
    for (const row of page) if (await this.renew(row, newest)) renewed += 1;
    const last = page.at(-1);
    return { renewed, next: last && page.length === pageRows ? `${last.space}/${last.path}` : null };
  }

  /** Whether there was anything to do. */
  private async renew(found: EntityRow, newest: number): Promise<boolean> {
    for (let row: EntityRow | undefined = found, tries = 1; row; tries += 1) {
      const renewed = await this.renewed(row, newest);
      if (!renewed) return false;
      const { hlc } = row;
      try {
        await this.rows.restate(row, (current) => {
          if (current?.hlc !== hlc) throw new Failure('concurrent');
          const { kind, entityId, updated } = current;
          return { kind, entityId, deleted: false, updated, ...renewed };
        });
        this.announcing.announce({ space: row.space, ns: row.ns, path: row.path });
        return true;
      } catch (cause) {
        if (!(cause instanceof Failure && cause.code === 'concurrent') || tries === triesMax) throw cause;
      }
      row = await this.rows.find(row);
    }
    return false;
  }

  private async renewed(row: EntityRow, newest: number): Promise<Renewed | undefined> {
    const { ns } = row;
    const sealedOld = row.sealed !== null && keyVersionOf(row.sealed) < newest;
    const code = await this.renewedCode(row, newest);
    if (!sealedOld && !code) return undefined;
    const sealed = row.sealed && sealedOld ? await this.keys.seal(ns, await this.keys.open(ns, row.sealed)) : row.sealed;
    const { doc, blob, version } = code ?? { doc: row.doc, blob: row.blob, version: execOf(row)?.keyVersion };
    const others = row.requires.filter(({ space }) => space !== spaces.namespaceKey);
    return { doc, blob, sealed, requires: [...others, ...keyRequiredBy(version, sealed ? keyVersionOf(sealed) : undefined)] };
  }

  /** The document and address of an action whose code was encrypted with an older key. The older ciphertext stays for runs that are under way. */
  private async renewedCode(
    row: EntityRow,
    newest: number,
  ): Promise<{ doc: EntityWrite['doc']; blob: string; version: number } | undefined> {
    const exec = execOf(row);
    if (!exec || row.blob === null || exec.keyVersion >= newest) return undefined;
    const bytes = await this.objects.find(row.blob);
    if (!bytes) throw new Failure('unavailable', {}, { fault: 'code-missing', retryAfterS: 5 });
    const { bytes: sealed, address, keyVersion } = await this.keys.sealCode(row.ns, await this.keys.openCode(row.ns, bytes));
    await this.objects.put(sealed);
    const doc = JSON.parse(row.doc ?? '{}') as { readonly [key: string]: Json };
    return { doc: toJsonText({ ...doc, exec: { ...exec, blob: address, keyVersion } }), blob: address, version: keyVersion };
  }
}

/** The `exec` of an action's row that has code. */
function execOf(row: EntityRow): { readonly keyVersion: number } | undefined {
  if (row.space !== spaces.definition || row.kind !== kinds.action || row.blob === null) return undefined;
  return (JSON.parse(row.doc ?? '{}') as { exec?: { keyVersion: number } }).exec;
}

function readPlace(after: string | undefined): { space: Space; path: string } | undefined {
  if (after === undefined) return undefined;
  const slash = after.indexOf('/');
  const space = Number(after.slice(0, Math.max(slash, 0)));
  if (slash < 1 || !Number.isInteger(space)) throw new Failure('bad-request', { reason: 'that is no place to go on from' });
  return { space: space as Space, path: after.slice(slash + 1) };
}
