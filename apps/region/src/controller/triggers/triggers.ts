import { Injectable } from '@nestjs/common';
import { Throttles } from '#libs/auth';
import { Failure, kinds, nextVersion, toJsonText, type Entity, type JsonText, type Trigger } from '#libs/domain';
import { emptyAnswer, jsonAnswer, readPayload, readTypedBody, type Answer } from '#libs/http';
import type { DraftOf } from '../definitions/codec.js';
import { Definitions, type Written } from '../definitions/definitions.js';
import { readPutObject, readSized, readVersioned, type CommonPut } from '../definitions/entity-put.js';
import { countAnswer, listAnswer, readPage } from '../definitions/listing.js';
import { activationHeader } from '../invocations/invoke-answer.js';
import { checkRequestSize } from '../invocations/payload.js';
import { ownNamespace, type CollectionCall, type EntityCall, type NamespaceView, type Routes } from '../rest/call.js';
import { RuleBook } from '../rules/rule-book.js';
import { rulesJson } from '../rules/rule-document.js';
import { Settings } from '../settings.js';
import { isFeedName } from './feed-name.js';
import { Firing, type FireIds } from './firing.js';
import { triggerJson, triggerSummary } from './trigger-document.js';

/** Triggers as the REST API creates, reads, lists, deletes and fires them. */
@Injectable()
export class Triggers {
  readonly routes: Routes = {
    collection: { GET: (call) => this.list(call) },
    entity: {
      GET: (call) => this.read(call),
      PUT: (call) => this.write(call),
      POST: (call) => this.fire(call),
      DELETE: (call) => this.remove(call),
    },
  };

  constructor(
    private readonly definitions: Definitions,
    private readonly book: RuleBook,
    private readonly firing: Firing,
    private readonly throttles: Throttles,
    private readonly settings: Settings,
  ) {}

  private async read(call: EntityCall): Promise<Answer> {
    const owner = ownNamespace(call, call.target.name);
    const trigger = triggerOf(await this.definitions.read(owner.ns, call.target.name));
    return jsonAnswer(200, triggerJson(trigger, owner.name, await this.rulesOf(owner, trigger)));
  }

  private async write(call: EntityCall): Promise<Answer> {
    const { name } = call.target;
    const owner = ownNamespace(call, name);
    const body = readPutObject(readTypedBody(call.headers['content-type'], call.body));
    const sized = readSized(body, this.settings.profileOf(call.identity));
    const overwrite = call.query.boolean('overwrite', false);
    const put: CommonPut = { ...sized, ...readVersioned(body) };
    const written = await this.definitions.write({ ns: owner.ns, path: name }, put.parameters, (current) =>
      become(current, put, overwrite),
    );
    return this.answer(owner, written);
  }

  private async remove(call: EntityCall): Promise<Answer> {
    const owner = ownNamespace(call, call.target.name);
    const removed = await this.definitions.remove({ ns: owner.ns, path: call.target.name }, triggerOf);
    const answer = await this.answer(owner, removed);
    await this.book.drop(removed.entity);
    return answer;
  }

  /** Fires a trigger. One to which no active rule is attached does nothing and leaves no record. `ids` make a second try no second fire. */
  async fire(call: EntityCall, ids?: FireIds): Promise<Answer> {
    await this.throttles.fire(call.identity, Date.now());
    const owner = ownNamespace(call, call.target.name);
    checkRequestSize(call.headers['content-length'], call.body, this.settings.profileOf(call.identity));
    const payload = readPayload(call.headers['content-type'], call.body);
    const trigger = triggerOf(await this.definitions.find(owner.ns, call.target.name));
    const rules = await this.book.of(trigger, 'cached');
    if (!rules.some(({ status }) => status === 'active')) return emptyAnswer(204);
    const activationId = await this.firing.fire(call, {
      trigger,
      rules,
      payload: { keys: new Set(Object.keys(payload)), body: call.body },
      ids,
    });
    return jsonAnswer(202, toJsonText({ activationId }), activationHeader(activationId));
  }

  private async list(call: CollectionCall): Promise<Answer> {
    const { name, ns } = ownNamespace(call);
    const page = readPage(call.query, 'triggers', this.settings.profile);
    const query = { ns, kind: kinds.trigger };
    if (page.count) return countAnswer('triggers', await this.definitions.count(query), page);
    const entities = await this.definitions.list({ ...query, skip: page.skip, limit: page.limit });
    return listAnswer(entities.map((entity) => triggerSummary(triggerOf(entity), name)));
  }

  private async answer(owner: NamespaceView, { entity, token }: Written<Trigger>): Promise<Answer> {
    return jsonAnswer(200, triggerJson(entity, owner.name, await this.rulesOf(owner, entity)), { 'x-isochrone-token': token });
  }

  /** What a trigger's document says of its rules: nothing until it has had one. */
  private async rulesOf(owner: NamespaceView, trigger: Trigger): Promise<JsonText | undefined> {
    const rules = await this.book.of(trigger, 'fresh');
    return rules.length > 0 || (await this.book.ruled(trigger)) ? rulesJson(rules, owner.name) : undefined;
  }
}

function triggerOf(entity: Entity | undefined): Trigger {
  if (!entity) throw new Failure('not-found');
  if (entity.type !== 'trigger') throw new Failure('other-collection');
  return entity;
}

function become(current: Entity | undefined, put: CommonPut, overwrite: boolean): DraftOf<Trigger> {
  const trigger = current && triggerOf(current);
  if (trigger && !overwrite) throw new Failure('exists');
  const feed = put.annotations?.find(({ key }) => key === 'feed')?.value;
  if (!trigger && feed !== undefined && !isFeedName(feed)) throw new Failure('bad-request', { reason: 'Feed name is not valid' });
  return {
    type: 'trigger',
    version: put.version ?? (trigger ? nextVersion(trigger.version) : '0.0.1'),
    publish: put.publish ?? trigger?.publish ?? false,
    annotations: put.annotations ?? trigger?.annotations ?? [],
  };
}
