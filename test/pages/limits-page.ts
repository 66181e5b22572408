import { limitProfiles, type Bounds, type LimitProfile, type LimitProfileName } from '#libs/domain';

const names = Object.keys(limitProfiles) as LimitProfileName[];

/** What a row tells of each profile. */
const rows: readonly (readonly [string, (profile: LimitProfile) => string])[] = [
  ['`timeout` of an action, ms', (p) => bounds(p.timeout)],
  ['`memory` of an action, MB', (p) => bounds(p.memory)],
  ['`logs` of an activation, MB', (p) => bounds(p.logs)],
  ['`concurrency` inside one sandbox', (p) => bounds(p.concurrency)],
  ['invocations a minute', (p) => count(p.invocationsPerMinute)],
  ['fires of triggers a minute', (p) => count(p.firesPerMinute)],
  ['invocations in flight', (p) => count(p.concurrentInvocations)],
  ['code', (p) => bytes(p.codeBytes)],
  ['parameters of an entity', (p) => bytes(p.parametersBytes)],
  ['annotations of an entity', (p) => bytes(p.annotationsBytes)],
  ['arguments of an invocation', (p) => bytes(p.payloadBytes)],
  ['result of an activation', (p) => bytes(p.resultBytes)],
  ['actions in a sequence', (p) => count(p.sequenceLength)],
  ['operations in the APIs of a namespace', (p) => count(p.apiRoutes)],
  ['document of one API, of all of a namespace', (p) => `${bytes(p.apiBytes)}, ${bytes(p.apisBytes)}`],
  ['activations in a list', (p) => `${p.listStd} unless asked for, up to ${p.listMax}`],
  ['definitions in a list', (p) => `${p.listDefinitionsStd} unless asked for, up to ${p.listMax} where asked for`],
  ['longest wait of a blocking call, s', (p) => count(p.blockingWaitMs / 1000)],
  ['answer to a call that lasts longer', (p) => `${p.waitOverStatus} with the activation’s id`],
  ['`Retry-After` with a 429', (p) => (p.tellsRetryAfter ? 'yes' : 'no')],
  ['`nodejs:default` is', (p) => `\`${p.defaultNodeKind}\``],
  ['an unused sandbox may be reclaimed after, min', (p) => count(p.idleMs / 60_000)],
  ['an unused sandbox is gone after, min', (p) => count(p.idleMaxMs / 60_000)],
  ['activations are kept for, days', (p) => count(p.retentionDays)],
];

/** The page of all limits, from the table that the platform enforces. */
export function limitsPage(): string {
  const body = rows.map(([what, of]) => `| ${what} | ${names.map((name) => of(limitProfiles[name])).join(' | ')} |`);
  return `# Limits

<!-- Written by \`npm run docs\` from the table that is enforced; a test fails where the two differ. -->

A world has one profile of limits: \`LIMITS=seed npm start\`. \`openwhisk\` has the values that OpenWhisk has out of the box, \`adobe-2026\` those that Adobe I/O
Runtime documents, and \`seed\` (the default) the latter with a 504 where a blocking call lasts too long, and sandboxes that are kept for longer.
Ranges are written least – standard – most.

| | ${names.map((name) => `\`${name}\``).join(' | ')} |
| --- | ${names.map(() => '---').join(' | ')} |
${body.join('\n')}

\`GET /\` tells the bounds of the world, \`GET /api/v1/namespaces/_/limits\` those of your namespace, which an operator can set apart from the profile's.

Rates and what is in flight are counted for a namespace over all controllers of a region, and in each region by itself. Minutes are those of the clock. The
request that is one too many is answered 429, and neither queued nor run:

\`\`\`json
{ "error": "Too many requests in the last minute (count: 61, allowed: 60).", "code": "…" }
\`\`\`

A web action counts for the namespace that owns it, whoever calls it. What a sequence or a composition runs counts as in flight but is not held against the limits.
`;
}

function bounds({ min, std, max }: Bounds): string {
  return [min, std, max].map(count).join(' – ');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function bytes(value: number): string {
  return `${count(value / 1024 / 1024)} MiB`;
}
