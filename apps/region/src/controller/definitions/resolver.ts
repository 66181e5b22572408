import { Injectable } from '@nestjs/common';
import { Identities, type Identity } from '#libs/auth';
import {
  entityPath,
  Failure,
  mergeParameters,
  type Action,
  type Entity,
  type NamespaceId,
  type Package,
  type Parameter,
} from '#libs/domain';
import { forbidden, type NamespaceView } from '../rest/call.js';
import { Definitions } from './definitions.js';
import { isValidator } from '../adobe/adobe-auth.js';
import { referenceText, type Reference } from './reference.js';

/** A package as a caller may use it: itself, or the provider it is bound to. */
export interface OpenPackage {
  readonly pkg: Package;
  /** The package that has the actions: `pkg` itself unless that is a binding. */
  readonly provider: Package;
  /** Whose the provider is. */
  readonly owner: NamespaceView;
}

/** An action with all that its place adds to it. */
export interface ResolvedAction {
  readonly action: Action;
  readonly name: string;
  readonly owner: NamespaceView;
  /** The provider's package. */
  readonly pkg: string | undefined;
  /** Package below binding below action. */
  readonly parameters: readonly Parameter[];
  /** `NS/BINDING`, where it was reached through one. */
  readonly binding: string | undefined;
  /** Another one after every change of the action, of the package that has it, or of the binding. */
  readonly version: string;
}

/** Where an action or a package is looked for. */
export interface Place {
  readonly namespace: string;
  readonly pkg?: string | undefined;
  readonly name: string;
}

/** `cached` may be a few seconds old. */
export type Freshness = 'cached' | 'fresh';

/** Finds actions and packages as a caller is entitled to them, through bindings. */
@Injectable()
export class Resolver {
  constructor(
    private readonly definitions: Definitions,
    private readonly identities: Identities,
  ) {}

  /** An action to read or run. Throws 403, 404 and 409 as OpenWhisk does. */
  async action(caller: Identity, { namespace, pkg, name }: Place, freshness: Freshness): Promise<ResolvedAction> {
    if (pkg === undefined) {
      if (namespace !== caller.namespace) throw forbidden(namespace, name);
      const action = actionOf(await this.look(caller.ns, name, freshness));
      const owner = { name: namespace, ns: caller.ns };
      return { action, name, owner, pkg, parameters: action.parameters, binding: undefined, version: versionOf(action) };
    }
    const open = await this.package(caller, { namespace, name: pkg }, freshness, new Failure('not-found'));
    const provider = open.provider.path;
    const action = actionOf(await this.look(open.owner.ns, entityPath(provider, name), freshness));
    const parameters = mergeParameters(open.provider.parameters, open.pkg === open.provider ? [] : open.pkg.parameters, action.parameters);
    const binding = open.pkg === open.provider ? undefined : `${namespace}/${pkg}`;
    const version = versionOf(open.pkg, open.provider, action);
    return { action, name, owner: open.owner, pkg: provider, parameters, binding, version };
  }

  /** A package to read. Others see published packages that are no bindings; what they may not see does not differ from what is not there. */
  async package(caller: Identity, { namespace, name }: Place, freshness: Freshness, missing: Failure): Promise<OpenPackage> {
    const own = namespace === caller.namespace;
    const owner = await this.namespace(caller, namespace);
    const pkg = owner && (await this.look(owner.ns, name, freshness));
    if (!owner || !pkg) throw own ? missing : forbidden(namespace, name);
    if (pkg.type !== 'package') throw own ? new Failure('other-collection') : forbidden(namespace, name);
    if (!own && (!pkg.publish || pkg.binding)) throw forbidden(namespace, name);
    if (!pkg.binding) return { pkg, provider: pkg, owner };
    return { pkg, ...(await this.provider(caller, { namespace, name }, pkg.binding, freshness, missing)) };
  }

  /**
   * Throws unless a caller may run all that is named, whether it exists or not: packages are looked at first, and one of one's own that is
   * missing is a 404. Validators of Adobe's are everybody's.
   */
  async checkEntitled(caller: Identity, named: readonly Reference[], freshness: Freshness): Promise<void> {
    const references = named.filter((reference) => !isValidator(referenceText(reference)));
    const packages = new Map(
      references.flatMap(({ namespace, pkg }) => (pkg === undefined ? [] : [[`${namespace}/${pkg}`, { namespace, name: pkg }]])),
    );
    for (const place of packages.values()) await this.package(caller, place, freshness, new Failure('not-found'));
    const foreign = references.filter(({ namespace, pkg }) => pkg === undefined && namespace !== caller.namespace);
    const resources = new Set(foreign.map(({ namespace, name }) => `${namespace}/${name}`));
    if (resources.size > 0) throw new Failure('forbidden-resource', { resource: [...resources].toSorted().join(', ') });
  }

  /** Whose a namespace is; undefined where there is none by that name. */
  async namespace(caller: Identity, name: string): Promise<NamespaceView | undefined> {
    const identity = name === caller.namespace ? caller : await this.identities.byNamespace(name);
    return identity && { name, ns: identity.ns };
  }

  private async provider(
    caller: Identity,
    bound: Place,
    target: { readonly namespace: string; readonly name: string },
    freshness: Freshness,
    missing: Failure,
  ): Promise<{ provider: Package; owner: NamespaceView }> {
    const own = target.namespace === caller.namespace;
    const owner = await this.namespace(caller, target.namespace);
    const provider = owner && (await this.look(owner.ns, target.name, freshness));
    if (!owner || provider?.type !== 'package' || provider.binding) throw own ? missing : forbidden(bound.namespace, bound.name);
    if (!own && !provider.publish) throw forbidden(bound.namespace, bound.name);
    return { provider, owner };
  }

  private look(ns: NamespaceId, path: string, freshness: Freshness): Promise<Entity | undefined> {
    return freshness === 'cached' ? this.definitions.find(ns, path) : this.definitions.read(ns, path);
  }
}

function versionOf(...entities: readonly Entity[]): string {
  return entities.map(({ entityId, hlc }) => `${entityId} ${hlc}`).join(' ');
}

/** The entity as an action. Throws 404 where there is none and 409 where it is something else. */
export function actionOf(entity: Entity | undefined): Action {
  if (!entity) throw new Failure('not-found');
  if (entity.type !== 'action') throw new Failure('other-collection');
  return entity;
}
