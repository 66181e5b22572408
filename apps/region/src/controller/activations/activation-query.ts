import { Failure, isActivationId, type ActivationFilter, type ActivationId } from '#libs/domain';
import { malformedQuery, type Query } from '#libs/http';

/** Reads `name`, `since` and `upto`. */
export function readFilter(query: Query): ActivationFilter {
  const name = readName(query.text('name'));
  const since = readTime(query, 'since');
  const upto = readTime(query, 'upto');
  return { ...(name === undefined ? {} : { name }), ...(since === undefined ? {} : { since }), ...(upto === undefined ? {} : { upto }) };
}

/** Checks an activation id as it stands in a path. */
export function readActivationIdSegment(text: string): ActivationId {
  if (text.length !== 32) throw new Failure('bad-name', { reason: `Activation id length is ${text.length} but must be 32.` });
  const id = text.toLowerCase();
  if (!isActivationId(id)) throw new Failure('bad-name', { reason: 'The activation id is not valid.' });
  return id;
}

function readName(text: string | undefined): string | undefined {
  const name = text?.replace(/^\//, '');
  if (name === undefined || name === '') return undefined;
  const segments = name.split('/');
  if (segments.length > 2 || segments.includes('')) {
    throw malformedQuery('name', `Parameter may be a 'simple' name or 'package-name/simple' name: ${text}`);
  }
  return name;
}

function readTime(query: Query, name: 'since' | 'upto'): number | undefined {
  const text = query.text(name);
  if (text === undefined || text === '') return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw malformedQuery(name, `Parameter is not a valid value for epoch seconds: ${text}`);
  return value;
}
