import { Injectable } from '@nestjs/common';
import { annotationsJson, Failure, jsonObject, kinds, toJsonText, type Entity, type JsonText, type Rule } from '#libs/domain';
import { jsonAnswer, type Answer } from '#libs/http';
import { Definitions } from '../definitions/definitions.js';
import { countAnswer, listAnswer, readPage } from '../definitions/listing.js';
import { ownNamespace, type CollectionCall, type EntityCall, type Routes } from '../rest/call.js';
import { Settings } from '../settings.js';

/** Rules as the REST API reads and lists them. */
@Injectable()
export class Rules {
  readonly routes: Routes = { collection: { GET: (call) => this.list(call) }, entity: { GET: (call) => this.read(call) } };

  constructor(
    private readonly definitions: Definitions,
    private readonly settings: Settings,
  ) {}

  private async read(call: EntityCall): Promise<Answer> {
    const { name, ns } = ownNamespace(call, call.target.name);
    const rule = ruleOf(await this.definitions.read(ns, call.target.name));
    return jsonAnswer(200, ruleJson(rule, name, rule.status));
  }

  private async list(call: CollectionCall): Promise<Answer> {
    const { name, ns } = ownNamespace(call);
    const page = readPage(call.query, 'rules', this.settings.profile);
    const query = { ns, kind: kinds.rule };
    if (page.count) return countAnswer('rules', await this.definitions.count(query), page);
    const entities = await this.definitions.list({ ...query, skip: page.skip, limit: page.limit });
    return listAnswer(entities.map((entity) => ruleJson(ruleOf(entity), name)));
  }
}

/** The document of a rule; lists leave out its status. */
export function ruleJson(rule: Rule, namespace: string, status?: Rule['status']): JsonText {
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(rule.path)],
    ['version', toJsonText(rule.version)],
    ['publish', toJsonText(rule.publish)],
    ['annotations', annotationsJson(rule.annotations)],
    ['updated', toJsonText(rule.updated)],
    ['trigger', toJsonText({ ...rule.trigger })],
    ['action', toJsonText({ ...rule.action })],
    ...(status === undefined ? [] : [['status', toJsonText(status)] as const]),
  ]);
}

function ruleOf(entity: Entity | undefined): Rule {
  if (!entity) throw new Failure('not-found');
  if (entity.type !== 'rule') throw new Failure('other-collection');
  return entity;
}
