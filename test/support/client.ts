/** The REST API as a test speaks it: one function a request, with the caller's key and, where wanted, the caller's place. */
import { guestKey } from './world.js';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json<T = Record<string, unknown>>(): T;
}

export interface Ask {
  readonly body?: unknown;
  readonly key?: string | null;
  /** The caller's address, as a trusted proxy would report it. */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Addresses whose place everybody agrees on. */
export const callers = { tokyo: '133.11.93.0', frankfurt: '194.25.0.60', virginia: '128.143.22.36' } as const;

/** Sends a request; `path` is below the base, such as `/api/v1/namespaces/_/actions/hello`. */
export async function ask(
  base: string,
  method: string,
  path: string,
  { body, key = guestKey, from, headers, timeoutMs = 90_000 }: Ask = {},
): Promise<Reply> {
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(key !== null && { authorization: `Basic ${Buffer.from(key).toString('base64')}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(from !== undefined && { 'x-forwarded-for': from }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T };
}

/** Where an action stands. */
export const actionPath = (name: string) => `/api/v1/namespaces/_/actions/${name}`;

/** Creates or replaces a nodejs:20 action; throws unless that succeeds. */
export async function deploy(base: string, name: string, code: string, more: object = {}, key = guestKey): Promise<Reply> {
  const body = { exec: { kind: 'nodejs:20', code }, ...more };
  const reply = await ask(base, 'PUT', `${actionPath(name)}?overwrite=true`, { body, key });
  if (reply.status !== 200) throw new Error(`PUT ${name}: ${reply.status} ${reply.text}`);
  return reply;
}

/** Invokes and waits for the result. */
export function invoke(base: string, name: string, args: object = {}, more: Ask = {}): Promise<Reply> {
  return ask(base, 'POST', `${actionPath(name)}?blocking=true&result=true`, { body: args, ...more });
}
