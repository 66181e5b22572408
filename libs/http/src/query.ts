import { Failure } from '#libs/domain';

const words: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
};

/** The query of a request. Of a repeated key the first value counts. */
export class Query {
  private readonly values = new Map<string, string>();

  /** `text` is what follows the `?`, as received. */
  constructor(text: string) {
    for (const [key, value] of queryPairs(text)) if (!this.values.has(key)) this.values.set(key, value);
  }

  /** The value, or undefined where the key is absent. */
  text(name: string): string | undefined {
    return this.values.get(name);
  }

  /** The value as a truth value: true, yes, on, 1 and their opposites, whatever the case; an empty one counts as absent. Throws on others. */
  boolean(name: string, absent: boolean): boolean {
    const value = this.values.get(name);
    if (value === undefined || value === '') return absent;
    const word = words[value.toLowerCase()];
    if (word === undefined) throw malformedQuery(name, `'${value}' is not a valid Boolean value`);
    return word;
  }
}

/** The failure for a query parameter that cannot be read. */
export function malformedQuery(name: string, reason: string): Failure {
  return new Failure('malformed-query', { name, reason });
}

/** A whole number of 32 bits with an optional sign, or undefined. */
export function integer(text: string): number | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= -(2 ** 31) && value < 2 ** 31 ? value : undefined;
}

/** Keys and values of a query or form in the order received: `+` is a blank, broken percent encodings stay as they are. */
export function queryPairs(text: string): [string, string][] {
  return [...new URLSearchParams(text)];
}
