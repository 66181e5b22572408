import { isName } from '#libs/domain';
import { malformedContent } from '#libs/http';

/** An entity that another one names. */
export interface Reference {
  readonly namespace: string;
  readonly pkg: string | undefined;
  readonly name: string;
}

/** Reads `/NS/NAME` or `/NS/PKG/NAME`, with or without the slash in front; `_` becomes `own`. Throws OpenWhisk's text for fewer segments. */
export function readReference(text: string, own: string): Reference {
  const segments = text.split('/').filter((segment) => segment !== '');
  const [first = '', second = '', third] = segments;
  if (segments.length < 2) {
    throw malformedContent(
      'requirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity.',
    );
  }
  const names = segments[0] === '_' ? segments.slice(1) : segments;
  if (segments.length > 3 || !names.every(isName)) throw malformedContent('The name of the entity contains illegal characters.');
  const namespace = first === '_' ? own : first;
  return third === undefined ? { namespace, pkg: undefined, name: second } : { namespace, pkg: second, name: third };
}

/** The reference as text, with a slash in front. */
export function referenceText({ namespace, pkg, name }: Reference): string {
  return `/${[namespace, pkg, name].filter((part) => part !== undefined).join('/')}`;
}
