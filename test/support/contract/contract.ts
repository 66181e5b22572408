/**
 * Holds answers against the OpenAPI document of the server that gave them: each must be described, in status, type, headers and body. On the
 * way it is noted what each operation has been seen to do, for the build to fail where one was never seen to refuse.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { findOperation, operationsOf, type ApiDocument, type ApiHeader, type ApiOperation, type ApiResponse } from './document.js';

/** A request and its answer, as they were on the wire; header names in lower case, each line a value. */
export interface Exchange {
  readonly method: string;
  /** As sent, with its query. */
  readonly target: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Buffer;
}

/** What an operation can be seen to do: succeed, refuse a stranger, refuse bad input. */
export type Sight = 'succeeds' | 'refuses strangers' | 'refuses bad input';

/** What was seen of every operation, by its name. */
export type Coverage = Readonly<Record<string, readonly Sight[]>>;

/**
 * Answered by others than this document describes: what runs the world, what users publish as APIs of their own, the files of the page, and
 * what is described under another path.
 */
const elsewhere = /^\/(?:(?:apis|isochrone|health|docs)\/|runtime(?:\/(?!namespaces\/)|$))/;

/** What a server promises of its answers, and how its answers keep to that. */
export class Contract {
  /** One line for each answer that departs. */
  readonly violations: string[] = [];
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly seen = new Map<string, Set<Sight>>();

  constructor(private readonly document: ApiDocument) {
    for (const { operationId } of operationsOf(document)) this.seen.set(operationId, new Set());
  }

  /** Reads the document that a server publishes of itself. */
  static async of(base: string): Promise<Contract> {
    const answer = await fetch(`${base}/api-docs`);
    if (answer.status !== 200) throw new Error(`no document at ${base}: ${answer.status}`);
    return new Contract((await answer.json()) as ApiDocument);
  }

  /** Notes an exchange, and what is wrong with its answer. */
  take(exchange: Exchange): void {
    const { method, target, status } = exchange;
    const path = target.split('?', 1)[0] ?? '';
    if (elsewhere.test(path)) return;
    const found = findOperation(this.document, method, path);
    if (found?.operation) this.note(found.operation, status);
    const wrong = found?.operation ? this.departures(found.operation, exchange) : this.undescribed(exchange, path);
    for (const reason of wrong) this.violations.push(`${method} ${target} → ${status}: ${reason}`);
  }

  /** What was seen of every operation. */
  get coverage(): Coverage {
    return Object.fromEntries([...this.seen].map(([operation, sights]) => [operation, [...sights]]));
  }

  private note({ operationId }: ApiOperation, status: number): void {
    const sights = this.seen.get(operationId);
    if (status >= 200 && status < 300) sights?.add('succeeds');
    else if (status === 401 || status === 403) sights?.add('refuses strangers');
    else if (status >= 400 && status < 500 && status !== 429) sights?.add('refuses bad input');
  }

  private departures({ operationId, responses }: ApiOperation, exchange: Exchange): string[] {
    const declared = responses[exchange.status] ?? responses['default'];
    if (!declared) return [`${operationId} is not said to answer so: ${exchange.body.toString().slice(0, 200)}`];
    const response = this.resolved(declared, this.document.components.responses);
    const missing = Object.entries(response.headers ?? {})
      .filter(
        ([name, header]) => this.resolved(header, this.document.components.headers).required && !(name.toLowerCase() in exchange.headers),
      )
      .map(([name]) => `there is no header ${name}`);
    if (exchange.method === 'HEAD') return missing;
    return [...missing, ...this.bodyDepartures(`${operationId} ${exchange.status}`, response, exchange)];
  }

  private bodyDepartures(key: string, { content }: ApiResponse, { headers, body }: Exchange): string[] {
    if (!content) return body.length === 0 ? [] : [`a body where none is described: ${body.toString().slice(0, 200)}`];
    const type = headers['content-type']?.join(', ');
    const essence = type?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const media = content[essence] ?? content['*/*'];
    if (!media) return [`its type ${type} is not described`];
    if (essence === 'application/json' && type !== essence) return [`the type of JSON bears no parameters: ${type}`];
    if (!media.schema) return [];
    const value = essence === 'application/json' ? parsed(body) : body.toString();
    if (value === undefined) return ['its body is no JSON'];
    const validate = this.validator(`${key} ${essence}`, media.schema);
    if (validate(value)) return [];
    const reasons = (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    return [`${reasons.slice(0, 4).join('; ')}: ${body.toString().slice(0, 300)}`];
  }

  /** What no document describes is refused, and says why; but anything below the API may be asked for its options. */
  private undescribed({ method, status, headers, body }: Exchange, path: string): string[] {
    if (method === 'OPTIONS' && status === 200) return body.toString() === 'OK' ? [] : ['options are answered otherwise than with OK'];
    if (status < 400) return [`${path} answers, and is not described`];
    if (method === 'HEAD' || headers['content-type']?.[0]?.startsWith('text/plain')) return [];
    return this.bodyDepartures('undescribed', { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } }, {
      headers,
      body,
    } as Exchange);
  }

  private resolved<T extends ApiHeader | ApiResponse>(item: T, shared: Readonly<Record<string, T>>): T {
    return item.$ref === undefined ? item : (shared[item.$ref.split('/').at(-1) ?? ''] ?? item);
  }

  private validator(key: string, schema: object): ValidateFunction {
    const known = this.validators.get(key) ?? this.ajv.compile({ ...schema, components: this.document.components });
    this.validators.set(key, known);
    return known;
  }
}

let saved = 0;

/** Leaves what was seen where the last test of a run finds it; outside of such a run nowhere. */
export function saveCoverage(coverage: Coverage): void {
  const folder = process.env['ISOCHRONE_COVERAGE'];
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  saved += 1;
  writeFileSync(join(folder, `${basename(process.argv[1] ?? 'test')}-${process.pid}-${saved}.json`), JSON.stringify(coverage));
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
