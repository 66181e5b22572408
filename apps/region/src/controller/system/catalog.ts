/**
 * What the namespace `whisk.system` contains: packages that OpenWhisk's catalogue and its providers have, by their names there, with actions of
 * our own making. The code of each action is a file below `catalog/`.
 */
import { readFileSync } from 'node:fs';
import type { Json } from '#libs/domain';

/** Version of the whole. Whoever changes anything here or in an action's file raises it: a region replaces what is older and nothing else. */
export const catalogVersion = '1.0.1';

/** An action as the catalogue describes it. */
export interface CatalogAction {
  readonly name: string;
  /** Its file, below `catalog/`, without extension. */
  readonly file: string;
  readonly annotations: Readonly<Record<string, Json>>;
  readonly parameters: Readonly<Record<string, Json>>;
}

/** A package. */
export interface CatalogPackage {
  readonly name: string;
  /** Whether everybody may use it and see it; else that is for the system's own namespace, and what is web-exported is reached by its URL. */
  readonly shared: boolean;
  readonly annotations: Readonly<Record<string, Json>>;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly actions: readonly CatalogAction[];
}

interface Described {
  readonly name: string;
  readonly required?: boolean;
  readonly type?: string;
  readonly description?: string;
}

type Extra = { readonly annotations?: Readonly<Record<string, Json>>; readonly parameters?: Readonly<Record<string, Json>> };

function action(file: string, description: string, parameters: readonly Described[], more: Extra = {}): CatalogAction {
  const told = parameters.map((parameter): Json => ({ required: false, ...parameter }));
  const annotations = { description, ...(told.length === 0 ? {} : { parameters: told }), ...more.annotations };
  return { name: file.slice(file.indexOf('/') + 1), file, annotations, parameters: more.parameters ?? {} };
}

function feed(
  name: string,
  description: string,
  parameters: readonly Described[],
  bound: Readonly<Record<string, Json>> = {},
): CatalogAction {
  const all = [...parameters, { name: 'trigger_payload', description: 'What the trigger is fired with' }];
  return { ...action('served/feed', description, all, { annotations: { feed: true }, parameters: bound }), name };
}

function webAction(name: string, description: string): CatalogAction {
  const annotations = { 'web-export': true, 'raw-http': false, final: true };
  return { ...action('served/web', description, [], { annotations }), name };
}

const lines: Described = { name: 'lines', required: true, type: 'array', description: 'A list of texts' };
const start: Described = { name: 'startDate', description: 'Not before: milliseconds since 1970, or a date as text' };
const stop: Described = { name: 'stopDate', description: 'Not after: milliseconds since 1970, or a date as text' };

/** All packages of the namespace. */
export const catalog: readonly CatalogPackage[] = [
  {
    name: 'utils',
    shared: true,
    annotations: { description: 'Building blocks that format and assemble data' },
    parameters: {},
    actions: [
      action('utils/echo', 'Returns what it is given', [{ name: 'payload', description: 'Anything' }]),
      action('utils/date', 'Returns the time', []),
      action('utils/cat', 'Joins lines into one text', [lines]),
      action('utils/sort', 'Sorts lines', [lines]),
      action('utils/split', 'Splits a text into lines', [
        { name: 'payload', required: true, type: 'string', description: 'The text' },
        { name: 'separator', type: 'string', description: 'Where to split, in place of the ends of lines' },
      ]),
      action('utils/head', 'Returns the first of some lines', [
        lines,
        { name: 'num', type: 'integer', description: 'How many; one where it is not given' },
      ]),
      action('utils/namespace', 'Returns the namespace it is invoked in', []),
      action('utils/smash', 'Puts all its parameters below one field', [
        { name: '$fieldName', required: true, type: 'string', description: 'The name of the field' },
      ]),
    ],
  },
  {
    name: 'samples',
    shared: true,
    annotations: { description: 'A suite of simple actions to help you get started with OpenWhisk' },
    parameters: {},
    actions: [
      action('samples/helloWorld', 'Says hello in its logs', [{ name: 'payload', description: 'Who is greeted' }]),
      action('samples/greeting', 'Returns a friendly greeting', [
        { name: 'name', description: 'Who is greeted' },
        { name: 'place', description: 'Where they are from' },
      ]),
      action('samples/wordCount', 'Counts words', [{ name: 'payload', required: true, description: 'The text' }]),
      action('samples/curl', 'Fetches what is at an address', [{ name: 'payload', required: true, description: 'The address' }]),
      action('samples/countdown', 'Counts down by invoking itself', [{ name: 'n', type: 'integer', description: 'Where to begin' }], {
        annotations: { 'provide-api-key': true },
      }),
    ],
  },
  {
    name: 'alarms',
    shared: true,
    annotations: {
      description: 'Alarms and periodic utility',
      parameters: [{ name: 'trigger_payload', required: false }],
    },
    parameters: { trigger_payload: '' },
    actions: [
      feed('alarm', 'Fires a trigger by a timetable', [
        {
          name: 'cron',
          required: true,
          type: 'string',
          description: 'The timetable: five fields as in crontab, or six with seconds in front',
        },
        { name: 'timezone', type: 'string', description: 'Whose clock the timetable goes by; UTC where it is not given' },
        start,
        stop,
        { name: 'strict', type: 'boolean', description: 'To the second' },
      ]),
      feed(
        'once',
        'Fires a trigger once',
        [
          { name: 'date', required: true, description: 'When: milliseconds since 1970, or a date as text' },
          { name: 'deleteAfterFire', description: 'Afterwards deletes nothing (false), the trigger (true), or its rules too (rules)' },
        ],
        { fireOnce: true },
      ),
      feed(
        'interval',
        'Fires a trigger at an interval',
        [{ name: 'minutes', required: true, type: 'integer', description: 'The interval' }, start, stop],
        { isInterval: true },
      ),
    ],
  },
  {
    name: 'apimgmt',
    shared: false,
    annotations: { description: 'Manages the routes of the API gateway' },
    parameters: {},
    actions: [
      webAction('createApi', 'Creates an API, or adds a route to one'),
      webAction('getApi', 'Returns an API, or lists all'),
      webAction('deleteApi', 'Deletes an API or one of its routes'),
    ],
  },
];

/** The source of an action. */
export function sourceOf({ file }: CatalogAction): string {
  return readFileSync(new URL(`catalog/${file}.cjs`, import.meta.url), 'utf8');
}
