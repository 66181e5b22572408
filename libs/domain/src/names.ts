import { Failure } from './failure.js';

/** Longest entity name, package name or namespace, in characters. */
export const nameLengthMax = 256;

const namePattern = /^(?:\w|\w[\w@ .&-]{0,254}[\w@.&-])$/;

/** Checks one path segment of an entity's name; throws OpenWhisk's text for one that is too long or illegal. */
export function checkName(segment: string): string {
  if (segment.length > nameLengthMax)
    throw new Failure('bad-name', { reason: `Name segement longer than allowed: ${segment.length} > ${nameLengthMax}.` });
  if (!isName(segment)) throw new Failure('bad-name', { reason: 'The name of the entity contains illegal characters.' });
  return segment;
}

/** Checks a namespace as it stands in a URL. */
export function checkNamespace(segment: string): string {
  if (segment.length > nameLengthMax)
    throw new Failure('bad-name', { reason: `Namespace longer than allowed: ${segment.length} > ${nameLengthMax}.` });
  if (!isName(segment)) throw new Failure('bad-name', { reason: 'The namespace contains illegal characters.' });
  return segment;
}

/** Whether a text may name an entity, a package or a namespace. */
export function isName(segment: string): boolean {
  return namePattern.test(segment) && !segment.includes('\n');
}

/** An entity's place inside its namespace: `name`, or `package/name`. */
export type EntityPath = string;

/** The place of an entity, from an optional package and a name. */
export function entityPath(pkg: string | undefined, name: string): EntityPath {
  return pkg === undefined ? name : `${pkg}/${name}`;
}

/** Package and name of a place. */
export function splitPath(path: EntityPath): { pkg: string | undefined; name: string } {
  const slash = path.indexOf('/');
  return slash < 0 ? { pkg: undefined, name: path } : { pkg: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** Reads a version leniently, as OpenWhisk does: missing parts are 0, parts after the third are ignored. Throws on anything else. */
export function parseVersion(text: unknown): string {
  const parts = typeof text === 'string' ? text.split('.').slice(0, 3) : [];
  const numbers = [...parts, '0', '0'].slice(0, 3).map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : NaN));
  const valid = parts.length > 0 && numbers.every((n) => n <= 2 ** 31 - 1) && numbers.some((n) => n > 0);
  if (!valid) throw new Failure('malformed-content', { reason: 'semantic version malformed' });
  return numbers.join('.');
}

/** The version after `version`: one more in the third place. */
export function nextVersion(version: string): string {
  const [major = '0', minor = '0', patch = '0'] = version.split('.');
  return `${major}.${minor}.${Number(patch) + 1}`;
}

/** Whether one version comes before another, number by number. */
export function isOlderVersion(version: string, than: string): boolean {
  const [mine, theirs] = [version, than].map((each) => each.split('.').map(Number)) as [number[], number[]];
  const at = mine.findIndex((number, place) => number !== (theirs[place] ?? 0));
  return at >= 0 && (mine[at] ?? 0) < (theirs[at] ?? 0);
}
