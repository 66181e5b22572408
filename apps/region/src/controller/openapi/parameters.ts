import type { LimitProfile } from '#libs/domain';
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
export function paging({ listStd, listMax }: LimitProfile): readonly Parameter[] {
  return [
    inQuery('limit', 'how many at most; 0 is the most there may be', { type: 'integer', minimum: 0, maximum: listMax, default: listStd }),
    inQuery('skip', 'how many to leave out in front', { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1, default: 0 }),
    inQuery('count', 'whether the number alone is wanted', { ...boolean, default: false }),
  ];
}
