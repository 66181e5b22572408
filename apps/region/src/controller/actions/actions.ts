import { Injectable } from '@nestjs/common';
import { Tokens, type Identity } from '#libs/auth';
import {
  checkLimits,
  entityPath,
  Failure,
  kinds,
  nextVersion,
  splitPath,
  standardLimits,
  withinProfile,
  type Action,
  type Entity,
  type Exec,
  type LimitProfile,
  type NamespaceId,
} from '#libs/domain';
import { jsonAnswer, readTypedBody, type Answer } from '#libs/http';
import { needsTokens } from '../adobe/adobe-auth.js';
import type { DraftOf } from '../definitions/codec.js';
import { Definitions, type Written } from '../definitions/definitions.js';
import { readPutObject, readSized } from '../definitions/entity-put.js';
import { countAnswer, listAnswer, readPage, type Page } from '../definitions/listing.js';
import { readReference } from '../definitions/reference.js';
import { actionOf, Resolver } from '../definitions/resolver.js';
import {
  namespaceOf,
  ownNamespace,
  type CollectionCall,
  type EntityCall,
  type FolderCall,
  type NamespaceView,
  type Routes,
} from '../rest/call.js';
import { Settings } from '../settings.js';
import { actionJson, actionSummary } from './action-document.js';
import { checkExecSize, mergeAnnotations, readActionRest, writtenParameters, type ActionPut } from './action-put.js';
import { CodeVault } from './code.js';
import { readExec, resolvedComponents } from './exec-put.js';
import { SequenceCheck } from './sequence-check.js';

/** Actions as the REST API creates, reads, lists and deletes them. */
@Injectable()
export class Actions {
  readonly routes: Routes = {
    collection: { GET: (call) => this.list(call) },
    folder: { GET: (call) => this.listFolder(call) },
    entity: { GET: (call) => this.read(call), PUT: (call) => this.write(call), DELETE: (call) => this.remove(call) },
  };

  constructor(
    private readonly definitions: Definitions,
    private readonly resolver: Resolver,
    private readonly vault: CodeVault,
    private readonly sequences: SequenceCheck,
    private readonly tokens: Tokens,
    private readonly settings: Settings,
  ) {}

  private async read(call: EntityCall): Promise<Answer> {
    const { pkg, name } = call.target;
    const found = await this.resolver.action(call.identity, { namespace: namespaceOf(call), pkg, name }, 'fresh');
    const withCode = call.query.boolean('code', true);
    const code = withCode ? await this.vault.read(found.owner.ns, found.action.exec) : undefined;
    const binding = withCode || found.binding === undefined ? {} : { binding: found.binding };
    return jsonAnswer(
      200,
      actionJson(found.action, { ...shownAs(found.owner, found.action.path), parameters: found.parameters, code, ...binding }),
    );
  }

  private async write(call: EntityCall): Promise<Answer> {
    const { pkg, name } = call.target;
    const owner = ownNamespace(call, pkg, name);
    const profile = this.settings.profileOf(call.identity);
    const body = readPutObject(readTypedBody(call.headers['content-type'], call.body));
    const exec = resolvedComponents(readExec(body['exec'], this.settings), owner.name);
    const sized = readSized(body, profile);
    checkExecSize(exec?.bytes ?? 0, profile);
    const overwrite = call.query.boolean('overwrite', false);
    const rest = readActionRest(body);
    // OpenWhisk loses them where the body has a sequence.
    const put: ActionPut = { ...sized, ...rest, delAnnotations: exec?.type === 'sequence' ? [] : rest.delAnnotations };
    checkLimits(put.limits, profile);
    if (exec?.type === 'sequence') await this.checkComponents(call.identity, exec.components);
    this.checkProtectable(put, exec?.type === 'sequence' ? exec.components : []);
    const kind = exec?.type === 'code' ? exec.kind : exec?.type;
    const { allowedKinds } = call.identity.limits;
    if (kind !== undefined && allowedKinds && !allowedKinds.includes(kind)) throw new Failure('forbidden-kind', { kind });
    await this.checkPackage(owner.ns, pkg);

    const path = entityPath(pkg, name);
    const standing = checkWritable(await this.definitions.read(owner.ns, path), overwrite);
    if (exec?.type === 'sequence') await this.sequences.check(call.identity, { namespace: owner.name, pkg, name }, exec.components);
    const stored = exec && (await this.vault.store(owner.ns, exec));
    const parameters = writtenParameters(put.parameters, exec, standing?.exec);
    const written = await this.definitions.write({ ns: owner.ns, path }, parameters, (current) =>
      become(checkWritable(current, overwrite), put, stored, profile),
    );
    return this.answer(owner, written, exec && 'code' in exec ? exec.code : undefined);
  }

  private async remove(call: EntityCall): Promise<Answer> {
    const { pkg, name } = call.target;
    const owner = ownNamespace(call, pkg, name);
    await this.checkPackage(owner.ns, pkg);
    return this.answer(owner, await this.definitions.remove({ ns: owner.ns, path: entityPath(pkg, name) }, actionOf));
  }

  private async list(call: CollectionCall): Promise<Answer> {
    return this.page(ownNamespace(call), undefined, readPage(call.query, 'actions', this.settings.profile));
  }

  private async listFolder(call: FolderCall): Promise<Answer> {
    const place = { namespace: namespaceOf(call), name: call.target.pkg };
    const { owner, provider } = await this.resolver.package(call.identity, place, 'fresh', new Failure('not-found'));
    return this.page(owner, provider.path, readPage(call.query, 'actions', this.settings.profile));
  }

  private async page(owner: NamespaceView, pkg: string | undefined, page: Page): Promise<Answer> {
    const query = { ns: owner.ns, kind: kinds.action, ...(pkg === undefined ? {} : { pkg }) };
    if (page.count) return countAnswer('actions', await this.definitions.count(query), page);
    const entities = await this.definitions.list({ ...query, skip: page.skip, limit: page.limit });
    return listAnswer(
      entities.filter((entity) => entity.type === 'action').map((action) => actionSummary(action, shownAs(owner, action.path))),
    );
  }

  private async answer(owner: NamespaceView, { entity, token }: Written<Action>, code?: string): Promise<Answer> {
    const view = {
      ...shownAs(owner, entity.path),
      parameters: entity.parameters,
      code: code ?? (await this.vault.read(owner.ns, entity.exec)),
    };
    return jsonAnswer(200, actionJson(entity, view), { 'x-isochrone-token': token });
  }

  /** Whether the caller may use what a sequence names comes before whether that exists. */
  private async checkComponents(caller: Identity, components: readonly string[]): Promise<void> {
    const references = components.map((component) => readReference(component, caller.namespace));
    await this.resolver.checkEntitled(caller, references, 'fresh');
  }

  /** What nobody could ever be let in to is refused when it is written, where its author sees it. */
  private checkProtectable({ annotations = [] }: ActionPut, components: readonly string[]): void {
    if (this.tokens.configured || !needsTokens(annotations, components)) return;
    const reason =
      "The action asks for a token ('require-adobe-auth'), and no issuer of tokens is configured here (ISOCHRONE_OIDC_ISSUER): nobody could call it.";
    throw new Failure('bad-request', { reason });
  }

  /** A package that is written into must be there and be no binding. */
  private async checkPackage(ns: NamespaceId, pkg: string | undefined): Promise<void> {
    if (pkg === undefined) return;
    const found = await this.definitions.read(ns, pkg);
    if (!found) throw new Failure('not-found');
    if (found.type !== 'package') throw new Failure('other-collection');
    if (found.binding) throw new Failure('bad-request', { reason: 'Operation not permitted on package binding.' });
  }
}

/** What an action becomes. */
function become(current: Action | undefined, put: ActionPut, stored: Exec | undefined, profile: LimitProfile): DraftOf<Action> {
  const exec = stored ?? current?.exec;
  if (!exec) throw new Failure('bad-request', { reason: 'exec undefined' });
  return {
    type: 'action',
    exec,
    version: put.version ?? (current ? nextVersion(current.version) : '0.0.1'),
    publish: put.publish ?? current?.publish ?? false,
    annotations: mergeAnnotations(current?.annotations, put, exec.kind),
    limits: { ...withinProfile({ ...standardLimits(profile), ...current?.limits }, profile), ...put.limits },
  };
}

function checkWritable(current: Entity | undefined, overwrite: boolean): Action | undefined {
  if (!current) return undefined;
  const action = actionOf(current);
  if (!overwrite) throw new Failure('exists');
  return action;
}

function shownAs(owner: NamespaceView, path: string): { namespace: string; name: string } {
  const { pkg, name } = splitPath(path);
  return { namespace: pkg === undefined ? owner.name : `${owner.name}/${pkg}`, name };
}
