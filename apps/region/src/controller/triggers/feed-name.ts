import { isName, type JsonText } from '#libs/domain';

/** Whether the value of a `feed` annotation is a text that names an entity, with or without a slash in front. */
export function isFeedName(value: JsonText): boolean {
  const name: unknown = JSON.parse(value);
  if (typeof name !== 'string') return false;
  const segments = name.replace(/^\//, '').split('/');
  return segments.length >= 1 && segments.every(isName);
}
