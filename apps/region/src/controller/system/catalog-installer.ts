import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { newAuthKey, Subjects } from '#libs/auth';
import {
  EntityStore,
  entityPath,
  invariant,
  isOlderVersion,
  spaces,
  standardLimits,
  systemNamespace,
  toJsonText,
  type Annotation,
  type Entity,
  type Json,
  type Parameter,
} from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import { mergeAnnotations } from '../actions/action-put.js';
import { CodeVault } from '../actions/code.js';
import { readExec } from '../actions/exec-put.js';
import type { DraftOf } from '../definitions/codec.js';
import { Definitions } from '../definitions/definitions.js';
import { Settings } from '../settings.js';
import { catalog, catalogVersion, sourceOf, type CatalogAction, type CatalogPackage } from './catalog.js';

const firstDelayMs = 50;
const delayMaxMs = 10_000;

/** How a world comes by the namespace, and whether this region is the one that sees to it. */
export class CatalogOptions {
  constructor(
    /** One region of a world installs; the others get it as they get everything. */
    readonly installs: boolean,
    /** Whether the namespace is made here, with a key nobody knows, where there is none: otherwise whoever starts the world brings it. */
    readonly createsNamespace: boolean,
  ) {}
}

/** Thrown to leave a definition as it stands. */
const asItStands = new Error('the definition is as new as the catalogue');

/**
 * Brings the namespace `whisk.system` to the version of this release, in the background, as its owner would: what is missing or older is
 * written, what is newer stays. Twice is once, whichever controllers of the region do it.
 */
@Injectable()
export class CatalogInstaller implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EntityStore,
    private readonly subjects: Subjects,
    private readonly definitions: Definitions,
    private readonly vault: CodeVault,
    private readonly settings: Settings,
    private readonly options: CatalogOptions,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.options.installs) this.running = this.untilInstalled();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** Tries until it succeeds, at growing intervals. */
  private async untilInstalled(): Promise<void> {
    const { signal } = this.stop;
    for (let waitMs = firstDelayMs; !signal.aborted; waitMs = Math.min(waitMs * 2, delayMaxMs)) {
      try {
        if (await this.install()) return;
      } catch (cause) {
        this.logger.warn('the system packages could not be installed and will be tried again', {}, cause);
      }
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Installs what is not there yet; false where the namespace is still to come. */
  private async install(): Promise<boolean> {
    if (!(await this.namespace())) return false;
    let written = 0;
    for (const pkg of catalog) {
      written += await this.installPackage(pkg);
      for (const action of pkg.actions) written += await this.installAction(pkg.name, action);
    }
    if (written > 0) this.logger.log('system packages were installed', { version: catalogVersion, written });
    return true;
  }

  /** Makes sure that there is the namespace, if that is our affair. */
  private async namespace(): Promise<boolean> {
    const standing = await this.store.find({ space: spaces.namespace, ns: systemNamespace.ns, path: systemNamespace.name });
    if (standing) return true;
    if (!this.options.createsNamespace) return false;
    await this.subjects.create({ subject: systemNamespace.name, authKey: newAuthKey(systemNamespace.ns) });
    return true;
  }

  private async installPackage({ name, shared, annotations, parameters }: CatalogPackage): Promise<0 | 1> {
    const draft = { type: 'package', version: catalogVersion, publish: shared, annotations: annotationsOf(annotations) } as const;
    return this.write(name, parametersOf(parameters), () => Promise.resolve(draft));
  }

  private async installAction(pkg: string, action: CatalogAction): Promise<0 | 1> {
    const { profile } = this.settings;
    return this.write(entityPath(pkg, action.name), parametersOf(action.parameters), async () => {
      const exec = readExec({ kind: 'nodejs:default', code: sourceOf(action) }, this.settings);
      invariant(exec?.type === 'code', 'the catalogue has code');
      const put = { annotations: annotationsOf(action.annotations), delAnnotations: [] };
      return {
        type: 'action',
        exec: await this.vault.store(systemNamespace.ns, exec),
        version: catalogVersion,
        publish: false,
        annotations: mergeAnnotations(undefined, put, exec.kind),
        limits: standardLimits(profile),
      };
    });
  }

  /** Writes a definition unless it is new enough; tells how many it wrote. */
  private async write(
    path: string,
    parameters: readonly Parameter[],
    draft: () => Promise<DraftOf<Extract<Entity, { type: 'action' }>> | DraftOf<Extract<Entity, { type: 'package' }>>>,
  ): Promise<0 | 1> {
    const at = { ns: systemNamespace.ns, path };
    if (isCurrent(await this.definitions.read(at.ns, path))) return 0;
    const wanted = await draft();
    try {
      await this.definitions.write(at, parameters, (current) => {
        if (isCurrent(current)) throw asItStands;
        return wanted;
      });
      return 1;
    } catch (thrown) {
      if (thrown === asItStands) return 0;
      throw thrown;
    }
  }
}

function isCurrent(standing: Entity | undefined): boolean {
  return standing !== undefined && !isOlderVersion(standing.version, catalogVersion);
}

function annotationsOf(annotations: Readonly<Record<string, Json>>): Annotation[] {
  return Object.entries(annotations).map(([key, value]) => ({ key, value: toJsonText(value) }));
}

function parametersOf(parameters: Readonly<Record<string, Json>>): Parameter[] {
  return Object.entries(parameters).map(([key, value]) => ({ key, value: toJsonText(value) }));
}
