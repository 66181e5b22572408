/**
 * What a conductor says: `{action, params, state}` calls an action with the params and brings the state back to the conductor beside its result;
 * without `action` the composition ends with the params, or with the whole result where there are none.
 */
import { isName, type ActivationResponse, type JsonText } from '#libs/domain';
import { exactText, isObject, parseExact, type ExactJson, type ExactObject } from '#libs/http';
import type { Reference } from '../../controller/definitions/reference.js';

/** What comes next in a composition. Numbers keep their spelling. */
export type Directive =
  | { readonly kind: 'end'; readonly response: ActivationResponse }
  | {
      readonly kind: 'call';
      readonly action: ExactJson;
      /** Undefined where the action gets its own parameters alone. */
      readonly params: ExactObject | undefined;
      readonly state: ExactObject | undefined;
    };

/** Reads the response of a conductor. An error ends the composition, whatever stands beside it. */
export function readDirective({ statusCode, result }: ActivationResponse): Directive {
  const value = statusCode === 0 && result !== undefined ? parseExact(result) : undefined;
  if (!isObject(value)) return { kind: 'end', response: { statusCode, result } };
  const { action } = value;
  const params = boxed(value['params'], 'value');
  if (action === undefined) return { kind: 'end', response: { statusCode, result: params ? exactText(params) : result } };
  return { kind: 'call', action, params, state: boxed(value['state'], 'state') };
}

/** What a conductor is called with next: a result below the state. A list is dropped, and the state with it: OpenWhisk's conductors see neither. */
export function nextInput(result: JsonText, state: ExactObject | undefined): JsonText | undefined {
  const value = parseExact(result);
  return isObject(value) ? exactText({ ...value, ...state }) : undefined;
}

/** The action that a conductor names; `own` is the namespace of the composition. Undefined where it names none. */
export function readActionName(value: ExactJson, own: string): Reference | undefined {
  if (typeof value !== 'string') return undefined;
  const absolute = value.startsWith('/');
  const segments = (absolute ? value.slice(1) : value).split('/');
  const whole = absolute || segments.length === 3 ? segments : [own, ...segments];
  const [first = '', second = '', third] = whole;
  const namespace = first === '_' ? own : first;
  if (whole.length < 2 || whole.length > 3 || ![namespace, ...whole.slice(1)].every(isName)) return undefined;
  return third === undefined ? { namespace, pkg: undefined, name: second } : { namespace, pkg: second, name: third };
}

/** A value as an object: anything else becomes the one member `name`. */
function boxed(value: ExactJson | undefined, name: string): ExactObject | undefined {
  if (value === undefined) return undefined;
  return isObject(value) ? value : { [name]: value };
}
