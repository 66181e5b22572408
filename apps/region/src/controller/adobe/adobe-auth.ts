/**
 * `require-adobe-auth`: a web action that is served to bearers of a good token alone. The platform asks for it itself. Where `aio` deploys to
 * this machine it does by hand what it does for Adobe's hosts: the action becomes one that is not exported, behind a sequence that begins with a
 * validator of Adobe's. Those validators are no actions here but steps that the region takes in a sequence, wherever that is invoked from.
 */
import { toJsonText, truthy, type Annotation, type JsonText } from '#libs/domain';
import type { Bearer, Tokens } from '#libs/auth';

/** What the validators are called, `/NS/PKG/ACT`. Nobody can have actions of these names that would run in their place. */
const validators: ReadonlySet<string> = new Set(
  ['adobeio', 'adobeio-stage'].flatMap((ns) => ['headless-v2', 'app-registry'].map((name) => `/${ns}/shared-validators-v1/${name}`)),
);

/** What is answered to whoever bears no good token. */
const refusal = 'Authentication is possible but has failed or not yet been provided.';

/** Whether a component of a sequence, by its full name, is a validator. */
export function isValidator(component: string): boolean {
  return validators.has(component);
}

/** Whether a web action is for bearers of tokens. Anything but what counts as false asks for one. */
export function requiresToken(action: { readonly annotations: readonly Annotation[] }): boolean {
  return truthy(action, 'require-adobe-auth', false);
}

/** Whether a definition needs tokens to be of any use. */
export function needsTokens(annotations: readonly Annotation[], components: readonly string[]): boolean {
  return requiresToken({ annotations }) || components.some(isValidator);
}

/** Whether headers, by lower-case name, bear a good token, of the organisation that they name where that matters. Throws `unavailable` where nobody knows. */
export async function bearsToken(tokens: Tokens, headers: Readonly<Record<string, unknown>>): Promise<boolean> {
  const { authorization, 'x-gw-ims-org-id': org } = headers;
  const bearer = await tokens.verify(typeof authorization === 'string' ? authorization : undefined);
  return bearer !== undefined && isOf(bearer, org);
}

/** The result of a validator whose payload, JSON text, bears no good token as the headers of a web request; undefined where it does. */
export async function validate(tokens: Tokens, payload: string): Promise<JsonText | undefined> {
  return (await bearsToken(tokens, headersIn(payload))) ? undefined : refused;
}

const refused = toJsonText({ error: { statusCode: 401, body: { error: refusal } } });

function isOf({ orgs }: Bearer, org: unknown): boolean {
  return orgs === 'any' || (typeof org === 'string' && orgs.includes(org));
}

function headersIn(payload: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(payload);
  const headers = isRecord(value) ? value['__ow_headers'] : undefined;
  return isRecord(headers) ? headers : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
