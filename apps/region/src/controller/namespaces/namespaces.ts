import { toJsonText } from '#libs/domain';
import { jsonAnswer, type Answer } from '#libs/http';
import type { Call } from '../rest/call.js';

/** The namespaces of a caller: exactly one. */
export function listNamespaces({ identity }: Call): Answer {
  return jsonAnswer(200, toJsonText([identity.namespace]));
}
