import type { Rule } from '#libs/domain';
import { isObject, malformedContent, type ExactJson, type ExactObject } from '#libs/http';
import { readVersioned, type CommonPut } from '../definitions/entity-put.js';
import { readReference, type Reference } from '../definitions/reference.js';

/** What a PUT of a rule says beside its annotations. Its status is no part of it. */
export interface RulePut extends Pick<CommonPut, 'version' | 'publish'> {
  readonly trigger: Reference | undefined;
  readonly action: Reference | undefined;
}

/** Reads trigger, action, version and publish flag; `own` is the namespace that `_` stands for. */
export function readRulePut(body: ExactObject, own: string): RulePut {
  return { trigger: readName(body['trigger'], own), action: readName(body['action'], own), ...readVersioned(body) };
}

/** Reads the state that a rule is to have. Throws OpenWhisk's texts. */
export function readRuleState(body: ExactJson): Rule['status'] {
  if (!isObject(body)) throw malformedContent('JSON object expected');
  const { status } = body;
  if (status === undefined) throw malformedContent('key not found: status');
  if (status === 'active' || status === 'inactive') return status;
  throw malformedContent(`requirement failed: ${typeof status === 'string' ? status : 'it'} is not a recognized rule state`);
}

/** A reference stands as one text, or as `path` and `name`. */
function readName(value: ExactJson | undefined, own: string): Reference | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return readReference(value, own);
  const { path, name } = isObject(value) ? value : {};
  if (typeof path !== 'string' || typeof name !== 'string') throw malformedContent('rule reference malformed');
  return readReference(`${path}/${name}`, own);
}
