import { Injectable } from '@nestjs/common';
import {
  checkName,
  Failure,
  kinds,
  mergeParameters,
  nextVersion,
  type Action,
  type Entity,
  type NamespaceId,
  type Package,
} from '#libs/domain';
import { jsonAnswer, readTypedBody, type Answer } from '#libs/http';
import type { DraftOf } from '../definitions/codec.js';
import { Definitions } from '../definitions/definitions.js';
import { readPutObject, readSized, readVersioned, type CommonPut } from '../definitions/entity-put.js';
import { countAnswer, listAnswer, readPage } from '../definitions/listing.js';
import { Resolver } from '../definitions/resolver.js';
import { forbidden, namespaceOf, ownNamespace, type CollectionCall, type EntityCall, type Routes } from '../rest/call.js';
import { Settings } from '../settings.js';
import { packageJson, packageSummary } from './package-document.js';
import { packageAnnotations, readBinding, type BindingPut } from './package-put.js';

const chunk = 200;

/** Packages and bindings as the REST API creates, reads, lists and deletes them. */
@Injectable()
export class Packages {
  readonly routes: Routes = {
    collection: { GET: (call) => this.list(call) },
    entity: { GET: (call) => this.read(call), PUT: (call) => this.write(call), DELETE: (call) => this.remove(call) },
  };

  constructor(
    private readonly definitions: Definitions,
    private readonly resolver: Resolver,
    private readonly settings: Settings,
  ) {}

  private async read(call: EntityCall): Promise<Answer> {
    const namespace = namespaceOf(call);
    const { name } = call.target;
    const missing = new Failure('not-found-resource', { resource: `${namespace}/${name}` });
    const { pkg, provider, owner } = await this.resolver.package(call.identity, { namespace, name }, 'fresh', missing);
    const parameters = mergeParameters(provider.parameters, pkg === provider ? [] : pkg.parameters);
    return jsonAnswer(200, packageJson(pkg, namespace, parameters, await this.contents(owner.ns, provider.path)));
  }

  private async write(call: EntityCall): Promise<Answer> {
    const { name } = call.target;
    const owner = ownNamespace(call, name);
    const body = readPutObject(readTypedBody(call.headers['content-type'], call.body));
    const sized = readSized(body, this.settings.profileOf(call.identity));
    const overwrite = call.query.boolean('overwrite', false);
    const binding = readBinding(body['binding'], owner.name);
    const put = { ...sized, ...readVersioned(body) };
    if (name === 'default') throw new Failure('bad-request', { reason: "Package name 'default' is reserved." });
    checkWritable(await this.definitions.read(owner.ns, name), overwrite, binding);
    if (binding) await this.checkBinding(call, binding);
    const { entity, token } = await this.definitions.write({ ns: owner.ns, path: name }, put.parameters, (current) =>
      become(checkWritable(current, overwrite, binding), put, binding),
    );
    return jsonAnswer(200, packageJson(entity, owner.name, entity.parameters), { 'x-isochrone-token': token });
  }

  private async remove(call: EntityCall): Promise<Answer> {
    const { name } = call.target;
    const { ns, name: namespace } = ownNamespace(call, name);
    const force = call.query.boolean('force', false);
    const found = await this.definitions.read(ns, name);
    if (!found) throw new Failure('not-found');
    const inside = packageOf(found).binding ? [] : await this.contents(ns, name);
    if (inside.length > 0 && !force) {
      const count = inside.length === 1 ? '1 entity' : `${inside.length} entities`;
      const reason = `Package not empty (contains ${count}). Set force param or delete package contents.`;
      throw new Failure('state-conflict', { reason });
    }
    for (const { path } of inside) await this.removeIfThere(ns, path);
    const { entity, token } = await this.definitions.remove({ ns, path: name }, packageOf);
    return jsonAnswer(200, packageJson(entity, namespace, entity.parameters), { 'x-isochrone-token': token });
  }

  /** Anyone may ask what a namespace publishes; what is bound or private is seen by its owner alone. */
  private async list(call: CollectionCall): Promise<Answer> {
    const namespace = namespaceOf(call);
    const page = readPage(call.query, 'packages', this.settings.profile);
    const owner = await this.resolver.namespace(call.identity, namespace);
    if (owner && owner.ns === call.identity.ns) {
      const query = { ns: owner.ns, kind: kinds.package };
      if (page.count) return countAnswer('packages', await this.definitions.count(query), page);
      const entities = await this.definitions.list({ ...query, skip: page.skip, limit: page.limit });
      return listAnswer(entities.map((entity) => packageSummary(packageOf(entity), namespace)));
    }
    const shown = owner ? (await this.all(owner.ns, kinds.package)).map(packageOf).filter((pkg) => pkg.publish && !pkg.binding) : [];
    if (page.count) return countAnswer('packages', shown.length, page);
    return listAnswer(shown.slice(page.skip, page.skip + page.limit).map((pkg) => packageSummary(pkg, namespace)));
  }

  private async checkBinding(call: EntityCall, { namespace, name }: BindingPut): Promise<void> {
    checkName(name);
    const own = namespace === call.identity.namespace;
    const owner = await this.resolver.namespace(call.identity, namespace);
    const target = owner && (await this.definitions.read(owner.ns, name));
    const shared = target?.type === 'package' && target.publish && !target.binding;
    if (!own && !shared) throw forbidden(namespace, name);
    if (!target) throw new Failure('bad-request', { reason: 'Binding references a package that does not exist.' });
    if (target.type !== 'package') throw new Failure('state-conflict', { reason: 'Cannot bind to a resource that is not a package.' });
    if (target.binding) throw new Failure('bad-request', { reason: 'Cannot bind to another package binding.' });
  }

  private async contents(ns: NamespaceId, pkg: string): Promise<Action[]> {
    return (await this.all(ns, kinds.action, pkg)).filter((entity) => entity.type === 'action');
  }

  private async all(ns: NamespaceId, kind: typeof kinds.action | typeof kinds.package, pkg?: string): Promise<Entity[]> {
    const found: Entity[] = [];
    for (let page: Entity[] = []; found.length === 0 || page.length === chunk;) {
      page = await this.definitions.list({ ns, kind, ...(pkg === undefined ? {} : { pkg }), skip: found.length, limit: chunk });
      if (page.length === 0) break;
      found.push(...page);
    }
    return found;
  }

  private async removeIfThere(ns: NamespaceId, path: string): Promise<void> {
    try {
      await this.definitions.remove({ ns, path }, (entity) => entity);
    } catch (cause) {
      if (!(cause instanceof Failure) || cause.code !== 'not-found') throw cause;
    }
  }
}

function packageOf(entity: Entity): Package {
  if (entity.type !== 'package') throw new Failure('other-collection');
  return entity;
}

function checkWritable(current: Entity | undefined, overwrite: boolean, binding: BindingPut | undefined): Package | undefined {
  if (!current) return undefined;
  const pkg = packageOf(current);
  if (!overwrite) throw new Failure('exists');
  if (binding && !pkg.binding) {
    throw new Failure('state-conflict', { reason: 'Resource is a package and cannot be converted into a binding.' });
  }
  return pkg;
}

function become(current: Package | undefined, put: CommonPut, given: BindingPut | undefined): DraftOf<Package> {
  const binding = given ?? current?.binding;
  return {
    type: 'package',
    version: put.version ?? (current ? nextVersion(current.version) : '0.0.1'),
    publish: put.publish ?? current?.publish ?? false,
    annotations: packageAnnotations(put.annotations ?? current?.annotations ?? [], binding),
    ...(binding ? { binding } : {}),
  };
}
