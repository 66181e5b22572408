import type { LimitProfile } from '#libs/domain';
import { standardLimit } from '../definitions/listing.js';
import type { Collection } from '../rest/target.js';
import { boolean, name } from './schema.js';
import type { Parameter, Schema } from './types.js';

/** A parameter of a path. */
export function inPath(parameter: string, description: string, schema: Schema = name): Parameter {
  return { name: parameter, in: 'path', description, required: true, schema };
}

/** A parameter of a query, which may be missing. */
export function inQuery(parameter: string, description: string, schema: Schema): Parameter {
  return { name: parameter, in: 'query', description, schema };
}

/** The namespace in a path. */
export const namespace = inPath('namespace', "a namespace; `_` is the caller's own", { ...name, examples: ['_'] });

/** Whether a write may replace. */
export const overwrite = inQuery('overwrite', 'whether what is there may be replaced', { ...boolean, default: false });

/** Which part of a list is asked for, within the bounds of a profile. */
export function paging(profile: LimitProfile, collection: Collection): readonly Parameter[] {
  const { listMax: maximum } = profile;
  const standard = standardLimit(collection, profile);
  const unsaid = standard > maximum ? `; ${standard} where nobody says` : '';
  return [
    inQuery('limit', `how many at most; 0 is the most that may be asked for${unsaid}`, {
      type: 'integer',
      minimum: 0,
      maximum,
      ...(standard > maximum ? {} : { default: standard }),
    }),
    inQuery('skip', 'how many to leave out in front', { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1, default: 0 }),
    inQuery('count', 'whether the number alone is wanted', { ...boolean, default: false }),
  ];
}
