import { sameSecret } from '#libs/auth';
import { annotation, type Action } from '#libs/domain';

/** What a web request offers against `require-whisk-auth`. */
export interface WebProof {
  /** Whether its credentials are those of some subject. */
  readonly authenticated: boolean;
  /** The header `X-Require-Whisk-Auth`. */
  readonly secret: string | undefined;
}

/** Whether a request satisfies an action's `require-whisk-auth`: true asks for any subject, a text or number for itself in the header. */
export function satisfies(action: Pick<Action, 'annotations'>, { authenticated, secret }: WebProof): boolean {
  const value = annotation(action, 'require-whisk-auth');
  if (value === undefined || value === 'false') return true;
  if (value === 'true') return authenticated;
  const wanted: unknown = /^["\d-]/.test(value) ? JSON.parse(value) : undefined;
  const text = typeof wanted === 'number' ? value : wanted;
  return typeof text === 'string' && secret !== undefined && sameSecret(text, secret);
}
