import type { ActivationResponse } from './activation.js';
import { jsonObject, toJsonText, type Json, type JsonText } from './json.js';

/** The phase a sandbox was in. */
export type Phase = 'init' | 'run';

/** What became of `/init` or `/run` in a sandbox; the texts that follow from it are OpenWhisk's contract (REST reference §12.4). */
export type Outcome =
  /** The runtime answered: `ok` is HTTP 200, `body` its text, `bytes` its whole length (the text may be cut). */
  | { readonly kind: 'answered'; readonly phase: Phase; readonly ok: boolean; readonly body: string; readonly bytes: number }
  | { readonly kind: 'exited'; readonly phase: Phase }
  | { readonly kind: 'timed-out'; readonly phase: Phase; readonly timeoutMs: number }
  | { readonly kind: 'out-of-memory'; readonly phase: Phase }
  | { readonly kind: 'not-provisioned' }
  /** The image that the action names cannot be had. */
  | { readonly kind: 'not-pulled'; readonly image: string }
  /** A run that may have started was lost with its invoker and is never run again. */
  | { readonly kind: 'lost' }
  /** Nothing was run because of what is wrong with the action or the caller's limits: an application error. */
  | { readonly kind: 'refused'; readonly text: string }
  /** Our own fault, in a text that tells no internals. */
  | { readonly kind: 'internal'; readonly text: string };

/** The response that an outcome becomes. `limitBytes` is the largest result, `truncationBytes` how much of a larger one is quoted. */
export function toResponse(outcome: Outcome, limitBytes: number, truncationBytes = limitBytes): ActivationResponse {
  switch (outcome.kind) {
    case 'answered':
      return answered(outcome, limitBytes, truncationBytes);
    case 'exited':
      return developerError(
        outcome.phase === 'init'
          ? 'The action did not initialize and exited unexpectedly.'
          : 'The action did not produce a valid response and exited unexpectedly.',
      );
    case 'timed-out':
      return developerError(
        `The action exceeded its time limits of ${outcome.timeoutMs} milliseconds${outcome.phase === 'init' ? ' during initialization' : ''}.`,
      );
    case 'out-of-memory':
      return developerError('The action exhausted its memory and was aborted.');
    case 'not-provisioned':
      return { statusCode: 3, result: errorResult('Failed to provision resources to run the action.') };
    case 'not-pulled':
      return developerError(`Failed to pull container image '${outcome.image}'.`);
    case 'lost':
      return {
        statusCode: 3,
        result: errorResult('The invoker was lost while the action was running. The action may have run; it was not run again.'),
      };
    case 'refused':
      return { statusCode: 1, result: errorResult(outcome.text) };
    case 'internal':
      return { statusCode: 3, result: errorResult(outcome.text) };
  }
}

/** Whether the sandbox may be used again: it may after a success and after an application error. */
export function keepsSandbox(response: ActivationResponse): boolean {
  return response.statusCode <= 1;
}

/** Whether the platform's line about missing logs belongs behind the logs. */
export function logsMayBeMissing(outcome: Outcome): boolean {
  return outcome.kind === 'exited' || outcome.kind === 'timed-out' || outcome.kind === 'out-of-memory';
}

function answered(outcome: Extract<Outcome, { kind: 'answered' }>, limitBytes: number, truncationBytes: number): ActivationResponse {
  const { phase, ok, body, bytes } = outcome;
  if (bytes > limitBytes) {
    const quoted = prefixOf(body, truncationBytes);
    const text = `The action produced a response that exceeded the allowed length: ${bytes} > ${limitBytes} bytes. The truncated response was: ${quoted}`;
    return { statusCode: phase === 'run' ? 1 : 2, result: errorResult(text), size: bytes };
  }
  const value = parsed(body);
  const object =
    value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as { readonly [k: string]: Json })
      : undefined;
  const error = object && 'error' in object ? object['error'] : undefined;
  if (phase === 'init') {
    if (error !== undefined) return { statusCode: 2, result: jsonObject([['error', toJsonText(error)]]), size: bytes };
    return {
      ...developerError(body === '' ? 'The action failed during initialization.' : `The action failed during initialization: ${body}`),
      size: bytes,
    };
  }
  if (ok && error !== undefined) return { statusCode: 1, result: jsonObject([['error', toJsonText(error)]]), size: bytes };
  if (ok && (object || Array.isArray(value))) return { statusCode: 0, result: body as JsonText, size: bytes };
  if (!ok && error !== undefined) return { statusCode: 2, result: jsonObject([['error', toJsonText(error)]]), size: bytes };
  const text =
    body === ''
      ? 'The action did not produce a valid JSON or JSON Array response.'
      : `The action did not produce a valid JSON or JSON Array response: ${body}`;
  return { ...developerError(text), size: bytes };
}

function developerError(text: string): ActivationResponse {
  return { statusCode: 2, result: errorResult(text) };
}

/** `{"error": text}`. */
export function errorResult(text: string): JsonText {
  return jsonObject([['error', toJsonText(text)]]);
}

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}

/** The longest prefix of at most `bytes` UTF-8 bytes that ends between two characters. */
export function prefixOf(text: string, bytes: number): string {
  let used = 0;
  let end = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    used += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (used > bytes) return text.slice(0, end);
    end += char.length;
  }
  return text;
}
