import { toJsonText, type Annotation } from '#libs/domain';
import { isObject, malformedContent, type ExactJson } from '#libs/http';

/** What a PUT says a package refers to: a package, or explicitly none. */
export interface BindingPut {
  readonly namespace: string;
  readonly name: string;
}

/** Reads the `binding` of a PUT; undefined where there is none or an empty one. `_` becomes the namespace of the URL. */
export function readBinding(value: ExactJson | undefined, namespace: string): BindingPut | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw malformedContent("Object expected in field 'namespace'");
  if (Object.keys(value).length === 0) return undefined;
  const owner = readName(value['namespace'], 'namespace');
  const name = readName(value['name'], 'name');
  return { namespace: owner === '_' ? namespace : owner, name };
}

/** Annotations of a stored package: what it is bound to is told by the platform alone. */
export function packageAnnotations(annotations: readonly Annotation[], binding: BindingPut | undefined): Annotation[] {
  const others = annotations.filter(({ key }) => key !== 'binding');
  return binding ? [...others, { key: 'binding', value: toJsonText({ namespace: binding.namespace, name: binding.name }) }] : others;
}

function readName(value: ExactJson | undefined, member: string): string {
  if (value === undefined) throw malformedContent(`Object is missing required member '${member}'`);
  if (typeof value !== 'string') throw malformedContent(`${member} malformed`);
  return value;
}
