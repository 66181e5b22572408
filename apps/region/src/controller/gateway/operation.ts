import { Failure } from '#libs/domain';
import type { ExactJson } from '#libs/http';
import type { ApiRoute } from './api.js';
import { operationId } from './operation-id.js';

/** One operation as a caller asks for it. */
export interface OperationRequest {
  readonly basePath: string;
  readonly path: string;
  readonly verb: string;
  readonly apiName: string | undefined;
  readonly pathParameters: ExactJson | undefined;
  /** `[/NS/][PKG/]ACT`. */
  readonly action: string;
  /** The action's namespace. */
  readonly namespace: string;
  /** Scheme and host of the target are its. */
  readonly backendUrl: string;
  /** What the action's `require-whisk-auth` asks for; any JSON value. */
  readonly secureKey: ExactJson | undefined;
}

/** What a target ends in where the action is to get the path of the request. */
export const requestPath = '$(request.path)';

const actionUrl = /(\w+):\/\/([:/\w.-]+)\/api\/v\d\/web\/[@\w .-]+\/[@\w .-]+\/[@\w ./-]+\.\w+/;

/** The route of one operation, written as `wsk` and others expect to find it in the API's document. Throws where its backend is no web action. */
export function routeOf(request: OperationRequest, responseType: string): ApiRoute {
  const { basePath, path, namespace, pathParameters, secureKey } = request;
  const verb = request.verb.toLowerCase();
  const id = operationId(verb, path);
  const { pkg, name } = actionName(request.action);
  const url = `${originOf(request.backendUrl)}/api/v1/web/${namespace}/${pkg || 'default'}/${name}.${responseType}`;
  const invoke = { invoke: { 'target-url': responseType === 'http' ? url + requestPath : url, verb: 'keep' } };
  const secret = secureKey && {
    'set-variable': { actions: [{ set: 'message.headers.X-Require-Whisk-Auth', value: secureKey }] },
  };
  return {
    basePath,
    path,
    verb,
    operation: {
      operationId: id,
      ...(pathParameters === undefined ? {} : { parameters: pathParameters }),
      'x-openwhisk': { url, namespace, package: pkg, action: name },
      responses: { default: { description: 'Default response' } },
    },
    assembly: { operations: [id], execute: secret ? [invoke, secret] : [invoke] },
  };
}

function originOf(backendUrl: string): string {
  const [, scheme, host] = actionUrl.exec(backendUrl) ?? [];
  if (scheme === undefined || host === undefined) {
    const reason = `API creation failure: API swagger generation error: '${backendUrl}' is not the URL of a web action`;
    throw new Failure('api-refused', { reason });
  }
  return `${scheme}://${host}`;
}

function actionName(text: string): { pkg: string; name: string } {
  const [first = '', second, third] = text.replace(/^\//, '').split('/');
  if (third !== undefined) return { pkg: second ?? '', name: third };
  return second === undefined ? { pkg: '', name: first } : { pkg: first, name: second };
}
