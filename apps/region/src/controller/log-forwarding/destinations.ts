/** Where `aio` can send the logs of a namespace (Adobe I/O Runtime, log forwarding), and what each place is told about itself. */
import { Failure } from '#libs/domain';

/** Settings by name; all are texts. */
export type ForwardingSettings = Readonly<Record<string, string>>;

/** A destination with its settings. */
export interface Forwarding {
  readonly destination: Destination;
  /** What may be shown. */
  readonly shown: ForwardingSettings;
  /** What is sealed and never leaves again. */
  readonly secret: ForwardingSettings;
}

interface Field {
  readonly secret?: true;
  /** What a value must look like, and how that is said. */
  readonly form?: readonly [RegExp, string];
}

const host: Field = { form: [/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i, 'a host name'] };
const port: Field = { form: [/^(443|8088)$/, '443 or 8088'] };
const httpsUrl: Field = { form: [/^https:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/i, 'an https URL'] };

const destinations = {
  /** With the activation's record, and nowhere else. */
  adobe_io_runtime: {},
  azure_log_analytics: {
    customer_id: {},
    shared_key: { secret: true },
    log_type: { form: [/^\w{1,100}$/, 'letters, digits and _, at most 100'] },
  },
  splunk_hec: { host, port, index: {}, hec_token: { secret: true } },
  new_relic: { base_uri: httpsUrl, license_key: { secret: true } },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>;

/** The name of a destination. */
export type Destination = keyof typeof destinations;

/** What is so where nobody said otherwise. */
export const standardForwarding: Forwarding = { destination: 'adobe_io_runtime', shown: {}, secret: {} };

const valueCharsMax = 1024;

/** Reads `{DESTINATION: {FIELD: TEXT, …}}`: one destination, all of its fields and no others. Throws a text for whoever sent it, without its values. */
export function readForwarding(body: unknown): Forwarding {
  const names = Object.keys(destinations).join(', ');
  const [entry, ...more] = isRecord(body) ? Object.entries(body) : [];
  if (entry === undefined || more.length > 0) throw refusal(`Exactly one destination is expected, of: ${names}.`);
  const [name, given] = entry;
  if (!isDestination(name)) throw refusal(`There is no destination '${name.slice(0, 100)}': there are ${names}.`);
  if (!isRecord(given)) throw refusal(`The settings of '${name}' must be an object.`);
  const fields: Readonly<Record<string, Field>> = destinations[name];
  const unknown = Object.keys(given).find((field) => !Object.hasOwn(fields, field));
  if (unknown !== undefined) throw refusal(`'${name}' has no setting '${unknown.slice(0, 100)}'.`);
  const values = Object.entries(fields).map(([field, how]) => ({ field, how, value: readValue(name, field, how, given[field]) }));
  const part = (secret: boolean): ForwardingSettings =>
    Object.fromEntries(values.filter(({ how }) => (how.secret ?? false) === secret).map(({ field, value }) => [field, value]));
  return { destination: name, shown: part(false), secret: part(true) };
}

/** Whether there is a destination of that name. */
export function isDestination(name: string): name is Destination {
  return Object.hasOwn(destinations, name);
}

/** A number is taken for its text: a port is one to some. */
function readValue(destination: string, field: string, { form }: Field, value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.trim() === '')
    throw refusal(`'${destination}' needs the setting '${field}', a text that is not empty.`);
  // eslint-disable-next-line no-control-regex -- what is forbidden are control characters
  if (text.length > valueCharsMax || /[\u0000-\u001f\u007f]/.test(text))
    throw refusal(`The setting '${field}' of '${destination}' is longer than ${valueCharsMax} characters or contains control characters.`);
  if (form && !form[0].test(text)) throw refusal(`The setting '${field}' of '${destination}' must be ${form[1]}.`);
  return text;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(reason: string): Failure {
  return new Failure('bad-request', { reason });
}
