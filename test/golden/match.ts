/**
 * Compares an answer with what a scenario expects. Expectations are plain JSON in which some strings say what may vary:
 *
 *   $any            anything                         $epoch            a whole number of ms since 1970
 *   $ms             a whole number ≥ 0               $transid          the answer's own transaction id
 *   $activation(x)  an activation id; equal ids have equal names within a case
 *   $number(1.0)    a number spelled exactly so      $starts text      a text that begins so
 *   $log text       a log line: a time of 30 columns, a blank, the text
 *   $repeat(x,9)    the letter x nine times          {"$json": v}      a text that holds the JSON v
 */
import { isLosslessNumber, parse } from 'lossless-json';

/** One departure from what was expected. */
export interface Difference {
  readonly at: string;
  readonly expected: unknown;
  readonly got: unknown;
}

/** What one case knows while it runs: its token and which activation id got which name. */
export interface Names {
  readonly token: string;
  readonly activations: Map<string, string>;
}

/** How to look at this answer's body. */
export interface Look {
  readonly transid: string | undefined;
  /** JSON pointers of lists whose order does not matter. */
  readonly anyOrder?: readonly string[];
  /** Annotations to compare although they depend on warmth. */
  readonly withAnnotations?: readonly string[];
}

/** Annotations of an activation's record that every server must agree on; ours may be beside them. */
const contractAnnotations = new Set([
  'binding',
  'causedBy',
  'conductor',
  'initTime',
  'kind',
  'limits',
  'path',
  'timeout',
  'topmost',
  'waitTime',
]);

/** Parses JSON so that a number whose spelling a double would change stays visible as `$number(…)`. */
export function parseJson(text: string): unknown {
  return parse(text, undefined, (spelled) => (String(Number(spelled)) === spelled ? Number(spelled) : `$number(${spelled})`));
}

/** Fills a case's token and `$repeat` into an expected text. */
export function fill(text: string, token: string): string {
  return text.replaceAll('$u', token).replace(/\$repeat\((\w),(\d+)\)/g, (_, char: string, times: string) => char.repeat(Number(times)));
}

/** Every departure of `got` from `expected`, deepest place first named. */
export function differences(expected: unknown, got: unknown, names: Names, look: Look, at = ''): Difference[] {
  if (typeof expected === 'string') return matchesText(expected, got, names, look) ? [] : [{ at, expected, got }];
  if (Array.isArray(expected)) return listDifferences(expected, got, names, look, at);
  if (expected !== null && typeof expected === 'object')
    return objectDifferences(expected as Record<string, unknown>, got, names, look, at);
  return Object.is(expected, isLosslessNumber(got) ? Number(got.value) : got) ? [] : [{ at, expected, got }];
}

function objectDifferences(expected: Record<string, unknown>, got: unknown, names: Names, look: Look, at: string): Difference[] {
  if ('$json' in expected) {
    return typeof got === 'string' ? differences(expected['$json'], parseJson(got), names, look, `${at}(json)`) : [{ at, expected, got }];
  }
  if (got === null || typeof got !== 'object' || Array.isArray(got)) return [{ at, expected, got }];
  const wanted = Object.fromEntries(Object.entries(expected).map(([key, value]) => [fill(key, names.token), value]));
  const seen = comparable(got as Record<string, unknown>, look);
  return [...new Set([...Object.keys(wanted), ...Object.keys(seen)])].flatMap((key) => {
    if (!(key in wanted)) return [{ at: `${at}/${key}`, expected: undefined, got: seen[key] }];
    if (!(key in seen)) return [{ at: `${at}/${key}`, expected: wanted[key], got: undefined }];
    return differences(wanted[key], seen[key], names, look, `${at}/${key}`);
  });
}

/** An activation's record without the annotations that servers need not share. */
function comparable(value: Record<string, unknown>, { withAnnotations = [] }: Look): Record<string, unknown> {
  const { activationId, annotations } = value;
  if (activationId === undefined || !Array.isArray(annotations)) return value;
  const kept = (annotations as { key: string }[]).filter(
    ({ key }) => contractAnnotations.has(key) && (key !== 'initTime' || withAnnotations.includes(key)),
  );
  return { ...value, annotations: kept };
}

function listDifferences(expected: readonly unknown[], got: unknown, names: Names, look: Look, at: string): Difference[] {
  if (!Array.isArray(got) || got.length !== expected.length) return [{ at, expected, got }];
  const free = look.anyOrder?.includes(at) === true || isKeyed(expected);
  const sorted = (list: readonly unknown[]) => (free ? [...list].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)) : list);
  const seen = sorted(got as unknown[]);
  return sorted(expected).flatMap((item, i) => differences(item, seen[i], names, look, `${at}/${i}`));
}

/** `{key, value}` lists are sets in this API. */
function isKeyed(list: readonly unknown[]): boolean {
  return list.length > 0 && list.every((item) => item !== null && typeof item === 'object' && 'key' in item);
}

function orderOf(item: unknown): string {
  if (item !== null && typeof item === 'object' && 'key' in item) return String(item.key);
  return typeof item === 'string' ? item.replace(/^(\$log|\d{4}-\d\d-\d\dT\S+ *) ?/, '') : JSON.stringify(item);
}

function matchesText(expected: string, got: unknown, names: Names, look: Look): boolean {
  const whole = (n: unknown) => typeof n === 'number' && Number.isInteger(n) && n >= 0;
  switch (expected) {
    case '$any':
      return got !== undefined;
    case '$epoch':
      return whole(got) && (got as number) > 1.5e12 && (got as number) < 1e13;
    case '$ms':
      return whole(got);
    case '$transid':
      return got === look.transid;
    default:
      break;
  }
  const text = typeof got === 'string' ? got : undefined;
  if (text === undefined) return false;
  const activation = /^\$activation\((.+)\)$/.exec(expected)?.[1];
  if (activation !== undefined) return isNamed(activation, text, names);
  const starts = /^\$starts ([^]*)$/.exec(expected)?.[1];
  if (starts !== undefined) return text.startsWith(fill(starts, names.token));
  const line = /^\$log ([^]*)$/.exec(expected)?.[1];
  if (line !== undefined)
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +$/.test(text.slice(0, 31)) && text.slice(31) === fill(line, names.token);
  return text === fill(expected, names.token);
}

function isNamed(name: string, id: string, { activations }: Names): boolean {
  if (!/^[0-9a-f]{32}$/.test(id)) return false;
  const known = activations.get(name);
  if (known === undefined) activations.set(name, id);
  return known === undefined || known === id;
}
