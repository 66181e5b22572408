import { Injectable } from '@nestjs/common';
import { spaces, Failure, kinds, nextVersion, type Annotation, type Entity, type Rule, type Trigger } from '#libs/domain';
import { bareAnswer, jsonAnswer, readTypedBody, type Answer } from '#libs/http';
import type { DraftOf } from '../definitions/codec.js';
import { Definitions } from '../definitions/definitions.js';
import { readPutObject, readSized } from '../definitions/entity-put.js';
import { countAnswer, listAnswer, readPage } from '../definitions/listing.js';
import { readReference, referenceText, type Reference } from '../definitions/reference.js';
import { Resolver } from '../definitions/resolver.js';
import { forbidden, ownNamespace, type CollectionCall, type EntityCall, type NamespaceView, type Routes } from '../rest/call.js';
import { Settings } from '../settings.js';
import { RuleBook } from './rule-book.js';
import { ruleJson, statusOf } from './rule-document.js';
import { readRulePut, readRuleState, type RulePut } from './rule-put.js';

/** Rules as the REST API creates, reads, lists, switches and deletes them. */
@Injectable()
export class Rules {
  readonly routes: Routes = {
    collection: { GET: (call) => this.list(call) },
    entity: {
      GET: (call) => this.read(call),
      PUT: (call) => this.write(call),
      POST: (call) => this.switch(call),
      DELETE: (call) => this.remove(call),
    },
  };

  constructor(
    private readonly definitions: Definitions,
    private readonly resolver: Resolver,
    private readonly book: RuleBook,
    private readonly settings: Settings,
  ) {}

  private async read(call: EntityCall): Promise<Answer> {
    const owner = ownNamespace(call, call.target.name);
    const rule = ruleOf(await this.definitions.read(owner.ns, call.target.name));
    return jsonAnswer(200, ruleJson(rule, owner.name, statusOf(rule, await this.triggerOf(rule))));
  }

  private async write(call: EntityCall): Promise<Answer> {
    const { name } = call.target;
    const owner = ownNamespace(call, name);
    const body = readPutObject(readTypedBody(call.headers['content-type'], call.body));
    const { annotations } = readSized(body, this.settings.profileOf(call.identity));
    const overwrite = call.query.boolean('overwrite', false);
    const put = readRulePut(body, owner.name);
    await this.checkEntitled(call, put);
    const standing = checkWritable(await this.definitions.read(owner.ns, name), overwrite);
    const parts = await this.parts(call, owner, put, standing);
    const status = standing ? statusOf(standing, await this.triggerOf(standing)) : 'active';
    await this.book.note(parts.trigger);
    const { entity, token } = await this.definitions.write({ ns: owner.ns, path: name }, undefined, (current) =>
      become(checkWritable(current, overwrite), { ...put, ...(annotations && { annotations }) }, { ...parts, owner, status }),
    );
    this.book.forget({ space: spaces.definition, ns: owner.ns });
    return jsonAnswer(200, ruleJson(entity, owner.name, entity.status), { 'x-isochrone-token': token });
  }

  /** Switches a rule on or off. One whose trigger was deleted and made again is attached to the new one by that. */
  private async switch(call: EntityCall): Promise<Answer> {
    const { name } = call.target;
    const { ns } = ownNamespace(call, name);
    const status = readRuleState(readTypedBody(call.headers['content-type'], call.body));
    const rule = ruleOf(await this.definitions.read(ns, name));
    const trigger = await this.triggerOf(rule);
    if (!trigger) throw new Failure('no-trigger');
    if (statusOf(rule, trigger) !== status) {
      await this.book.note(trigger);
      await this.definitions.write({ ns, path: name }, undefined, (current) => {
        const { version, publish, annotations, trigger: followed, action } = ruleOf(current);
        return { type: 'rule', version, publish, annotations, trigger: followed, action, triggerId: trigger.entityId, status };
      });
      this.book.forget({ space: spaces.definition, ns });
    }
    return bareAnswer(200, 'OK');
  }

  private async remove(call: EntityCall): Promise<Answer> {
    const owner = ownNamespace(call, call.target.name);
    const { entity, token } = await this.definitions.remove({ ns: owner.ns, path: call.target.name }, ruleOf);
    this.book.forget({ space: spaces.definition, ns: owner.ns });
    return jsonAnswer(200, ruleJson(entity, owner.name, 'inactive'), { 'x-isochrone-token': token });
  }

  private async list(call: CollectionCall): Promise<Answer> {
    const { name, ns } = ownNamespace(call);
    const page = readPage(call.query, 'rules', this.settings.profile);
    const query = { ns, kind: kinds.rule };
    if (page.count) return countAnswer('rules', await this.definitions.count(query), page);
    const entities = await this.definitions.list({ ...query, skip: page.skip, limit: page.limit });
    return listAnswer(entities.map((entity) => ruleJson(ruleOf(entity), name)));
  }

  private async triggerOf({ ns, trigger }: Rule): Promise<Trigger | undefined> {
    const found = await this.definitions.read(ns, trigger.name);
    return found?.type === 'trigger' ? found : undefined;
  }

  /** Whether the caller may use what the rule names comes before whether that exists. */
  private async checkEntitled({ identity }: EntityCall, { trigger, action }: RulePut): Promise<void> {
    if (trigger && (trigger.namespace !== identity.namespace || trigger.pkg !== undefined)) {
      throw forbidden(trigger.namespace, trigger.pkg, trigger.name);
    }
    if (action) await this.resolver.checkEntitled(identity, [action], 'fresh');
  }

  /** The trigger and the action that the rule will join: those of the request, else those that it has. */
  private async parts(
    { identity }: EntityCall,
    owner: NamespaceView,
    put: RulePut,
    standing: Rule | undefined,
  ): Promise<{ trigger: Trigger; action: Reference }> {
    const trigger = put.trigger ?? (standing && readReference(`${standing.trigger.path}/${standing.trigger.name}`, owner.name));
    const action = put.action ?? (standing && readReference(`${standing.action.path}/${standing.action.name}`, owner.name));
    if (!trigger || !action) throw new Failure('bad-request', { reason: 'rule requires a valid trigger and a valid action' });
    const found = await this.definitions.read(owner.ns, trigger.name);
    if (!found) throw missing('trigger', trigger);
    if (found.type !== 'trigger') throw new Failure('bad-request', { reason: `${referenceText(trigger)} is not a trigger` });
    await this.resolver.action(identity, action, 'fresh').catch((cause: unknown) => {
      if (!(cause instanceof Failure)) throw cause;
      if (cause.code === 'not-found') throw missing('action', action);
      throw cause.code === 'other-collection' ? new Failure('bad-request', { reason: `${referenceText(action)} is not an action` }) : cause;
    });
    return { trigger: found, action };
  }
}

function missing(what: string, reference: Reference): Failure {
  return new Failure('bad-request', { reason: `${what} ${referenceText(reference)} does not exist` });
}

function ruleOf(entity: Entity | undefined): Rule {
  if (!entity) throw new Failure('not-found');
  if (entity.type !== 'rule') throw new Failure('other-collection');
  return entity;
}

function checkWritable(current: Entity | undefined, overwrite: boolean): Rule | undefined {
  if (!current) return undefined;
  const rule = ruleOf(current);
  if (!overwrite) throw new Failure('exists');
  return rule;
}

function become(
  current: Rule | undefined,
  put: RulePut & { readonly annotations?: readonly Annotation[] },
  { trigger, action, owner, status }: { trigger: Trigger; action: Reference; owner: NamespaceView; status: Rule['status'] },
): DraftOf<Rule> {
  return {
    type: 'rule',
    version: put.version ?? (current ? nextVersion(current.version) : '0.0.1'),
    publish: put.publish ?? current?.publish ?? false,
    annotations: put.annotations ?? current?.annotations ?? [],
    trigger: { path: owner.name, name: trigger.path },
    triggerId: trigger.entityId,
    action: { path: action.pkg === undefined ? action.namespace : `${action.namespace}/${action.pkg}`, name: action.name },
    status,
  };
}
