/** Plays recorded scenarios of a real OpenWhisk against a server of ours and reports every answer that departs. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { differences, fill, parseJson, type Difference, type Look, type Names } from './match.js';
import { exchange, type Answer, type Call } from './exchange.js';

/** One request and the answer a real OpenWhisk gave. */
export interface Step {
  readonly name?: string;
  /** Method and path; `$u` is the case's token, `$(x)` what an earlier step kept, `$(x+1)` a number moved. */
  readonly call: string;
  /** Whose key: `guest` (default), `other`, `stranger` (unknown key), `nobody` (no key). */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly raw?: string;
  readonly bytes?: string;
  readonly keep?: Readonly<Record<string, string>>;
  /** Asked again for a while until it fits: what appears a little later. */
  readonly eventually?: boolean;
  /** Only list items of this case count. */
  readonly own?: boolean;
  readonly anyOrder?: readonly string[];
  readonly withAnnotations?: readonly string[];
  readonly times?: number;
  readonly afterMs?: number;
  readonly answer?: Expected;
}

interface Expected {
  readonly status: number;
  /** Content type; `json` is exactly `application/json`; absent: none may be sent. */
  readonly type?: string;
  readonly cors?: 'rest' | 'web';
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly json?: unknown;
  /** Short for `{error, code: $transid}`. */
  readonly error?: string;
  readonly text?: string;
  readonly bytes?: string;
  readonly style?: 'pretty';
}

export interface Case {
  readonly name: string;
  readonly needs?: readonly string[];
  readonly given?: readonly Step[];
  readonly steps: readonly Step[];
}

/** A server to ask, with one auth key per identity. */
export interface Subject {
  readonly base: string;
  readonly keys: Readonly<Record<string, string>>;
  /** Told of every request and its answer. */
  readonly heard?: (call: Call, answer: Answer) => void;
}

const allowHeaders = 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent';
const corsSets = {
  rest: {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': allowHeaders,
    'access-control-allow-methods': 'GET, DELETE, POST, PUT, HEAD',
  },
  web: {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': allowHeaders,
    'access-control-allow-methods': 'OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH',
  },
} as const;

/** Headers that may not be there unless the scenario has them. */
const closed = [
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'allow',
  'content-type',
  'location',
  'retry-after',
  'set-cookie',
  'www-authenticate',
  'x-openwhisk-activation-id',
];

/** Runs one case: what is given must succeed, then each step, then everything created is deleted. Returns each step's departures. */
export async function play(scenario: Case, subject: Subject): Promise<{ step: string; found: Difference[] }[]> {
  const run = new Run(subject);
  const outcomes: { step: string; found: Difference[] }[] = [];
  try {
    for (const step of scenario.given ?? []) await run.prepare(step);
    for (const step of scenario.steps) outcomes.push({ step: step.name ?? step.call, found: await run.perform(step) });
  } finally {
    await run.clear();
  }
  return outcomes;
}

class Run {
  /** Ten letters, as when the answers were recorded: sizes count them. */
  private readonly token = randomBytes(5)
    .toString('hex')
    .replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? 'z');
  private readonly kept = new Map<string, string>();
  private readonly created: { path: string; as: string }[] = [];
  private activations = new Map<string, string>();

  constructor(private readonly subject: Subject) {}

  async prepare(step: Step): Promise<void> {
    const answer = await this.send(step);
    if (answer.status >= 300) throw new Error(`${step.call}: ${answer.status} ${answer.body.toString().slice(0, 200)}`);
  }

  async perform(step: Step): Promise<Difference[]> {
    if (step.afterMs) await sleep(step.afterMs);
    for (let i = 1; i < (step.times ?? 1); i += 1) await this.send(step);
    const patience = Date.now() + 15_000;
    for (;;) {
      const answer = await this.send(step);
      const names: Names = { token: this.token, activations: new Map(this.activations) };
      const found = step.answer ? departures(step, step.answer, answer, names) : [];
      if (found.length === 0 || !step.eventually || Date.now() > patience) {
        this.activations = names.activations;
        return found;
      }
      await sleep(150);
    }
  }

  async clear(): Promise<void> {
    for (const { path, as } of this.created.toReversed()) await this.send({ call: `DELETE ${path}?force=true`, as }).catch(() => undefined);
  }

  private async send(step: Step): Promise<Answer> {
    await sleep(2); // lists are ordered by milliseconds
    const call = this.filled(step.call);
    const method = call.slice(0, call.indexOf(' '));
    const path = call.slice(method.length + 1);
    const as = step.as ?? 'guest';
    const headers: Record<string, string> = { ...authorization(this.subject.keys[as]) };
    if (step.body !== undefined) headers['content-type'] = 'application/json';
    for (const [name, value] of Object.entries(step.headers ?? {})) headers[name] = this.filled(value);
    const body =
      step.body !== undefined
        ? Buffer.from(this.filled(JSON.stringify(step.body)))
        : step.raw !== undefined
          ? Buffer.from(this.filled(step.raw))
          : step.bytes !== undefined
            ? Buffer.from(step.bytes, 'base64')
            : undefined;
    const answer = await this.unthrottled({ method, path, headers, body });
    if (method === 'PUT' && answer.status === 200) this.created.push({ path: path.replace(/\?.*/, ''), as });
    this.keep(step, answer);
    return answer;
  }

  /** Waits out the 429 of a full minute or of too many at once: the recorded limits are low, and what is asked is not about them. */
  private async unthrottled(call: Call): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await exchange(this.subject.base, call);
      this.subject.heard?.(call, answer);
      if (answer.status !== 429 || attempt === 4) return answer;
      await sleep(answer.body.includes('last minute') ? 60_500 - (Date.now() % 60_000) : 1000);
    }
  }

  private keep(step: Step, answer: Answer): void {
    for (const [name, from] of Object.entries(step.keep ?? {})) {
      const header = /^header (.+)/.exec(from)?.[1];
      const value = header === undefined ? at(answer, from) : answer.headers[header]?.[0];
      this.kept.set(name, String(value));
    }
  }

  private filled(text: string): string {
    return fill(text, this.token).replace(/\$\((\w+)([+-]\d+)?\)/g, (_, name: string, offset?: string) => {
      const value = this.kept.get(name) ?? `no-${name}`;
      return offset ? String(Number(value) + Number(offset)) : value;
    });
  }
}

function at(answer: Answer, pointer: string): unknown {
  try {
    return pointer
      .split('/')
      .slice(1)
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], JSON.parse(answer.body.toString()));
  } catch {
    return undefined;
  }
}

function authorization(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Basic ${Buffer.from(key).toString('base64')}` };
}

function departures(step: Step, expected: Expected, answer: Answer, names: Names): Difference[] {
  const transid = answer.headers['x-request-id']?.[0];
  const look: Look = {
    transid,
    ...(step.anyOrder && { anyOrder: step.anyOrder }),
    ...(step.withAnnotations && { withAnnotations: step.withAnnotations }),
  };
  const status =
    expected.status === answer.status
      ? []
      : [{ at: 'status', expected: expected.status, got: `${answer.status} ${answer.body.toString().slice(0, 160)}` }];
  return [...status, ...headerDepartures(expected, answer, names, look), ...bodyDepartures(step, expected, answer, names, look)];
}

function headerDepartures(expected: Expected, answer: Answer, names: Names, look: Look): Difference[] {
  const wanted: Record<string, string | readonly string[]> = {
    'x-request-id': '$any',
    ...(expected.cors && corsSets[expected.cors]),
    ...expected.headers,
  };
  if (expected.type) wanted['content-type'] = expected.type === 'json' ? 'application/json' : expected.type;
  return [...new Set([...Object.keys(wanted), ...closed])].flatMap((name) => {
    const values = answer.headers[name];
    const want = wanted[name];
    if (want === undefined || want === '$absent')
      return values === undefined ? [] : [{ at: `header ${name}`, expected: undefined, got: values }];
    const got = values === undefined ? undefined : Array.isArray(want) ? values : values.join(', ');
    return got === undefined ? [{ at: `header ${name}`, expected: want, got }] : differences(want, got, names, look, `header ${name}`);
  });
}

function bodyDepartures(step: Step, expected: Expected, answer: Answer, names: Names, look: Look): Difference[] {
  const text = answer.body.toString();
  const want = expected.error === undefined ? expected.json : { error: expected.error, code: '$transid' };
  if (want === undefined) {
    if (expected.bytes !== undefined)
      return answer.body.toString('base64') === expected.bytes
        ? []
        : [{ at: 'body', expected: expected.bytes, got: answer.body.toString('base64') }];
    return differences(expected.text ?? '', text, names, look, 'body');
  }
  let json: unknown;
  try {
    json = parseJson(text);
  } catch {
    return [{ at: 'body', expected: want, got: text }];
  }
  if (step.own && Array.isArray(json)) json = json.filter((item) => JSON.stringify(item).includes(names.token));
  const compact = !/\n/.test(text);
  const layout =
    compact === (expected.style === 'pretty') ? [{ at: 'layout', expected: expected.style ?? 'compact', got: text.slice(0, 80) }] : [];
  return [...layout, ...differences(want, json, names, look)];
}
