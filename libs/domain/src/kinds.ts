/** The kinds of runtimes that actions can have; `sequence` and `blackbox` have none. */

/** Kinds that run on Node.js: always there, since the platform's own runtime serves one and the others are brought when they are first used. */
export const nodeKinds = ['nodejs:20', 'nodejs:22', 'nodejs:24'] as const;

/** A kind that runs on Node.js. */
export type NodeKind = (typeof nodeKinds)[number];

const pythonKind = /^python:3(?:\.\d{1,2})?$/;

/** Whether a text names a runtime that the platform can have. */
export function isKind(text: string): boolean {
  return isNodeKind(text) || pythonKind.test(text);
}

/** Whether a kind runs on Node.js. */
export function isNodeKind(kind: string): kind is NodeKind {
  return (nodeKinds as readonly string[]).includes(kind);
}

/** The kinds that a Python of a version such as `3.11` serves: its own, and the one that names no more than the 3. */
export function pythonKinds(version: string): readonly string[] {
  return ['python:3', `python:${version}`];
}

/**
 * How many calls a sandbox of a kind takes at once, where its action allows `allowed`. Python code is written for one at a time: its runtimes have
 * never offered more.
 */
export function concurrencyOf(kind: string, allowed: number): number {
  return pythonKind.test(kind) ? 1 : allowed;
}
