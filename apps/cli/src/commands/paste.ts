import { guestKey } from '../world/guest.js';

/** What a reader pastes after a start, in order. `options` find the world again where it is not the standard one. */
export interface PasteLines {
  readonly create: string;
  readonly invoke: string;
  readonly try: string;
}

/** The lines that `up` prints to be pasted into a shell: create an action, call it, see the world at work. */
export function pasteLines(url: string, options: readonly string[]): PasteLines {
  const action = `${url}/api/v1/namespaces/_/actions/hello`;
  const code = 'function main(args) { return { hello: args.name || "world", region: process.env.__OW_REGION }; }';
  const curl = (method: string, query: string, body: object) =>
    `curl -sS -u ${guestKey} -X ${method} ${quote(`${action}?${query}`)} -H 'content-type: application/json' -d ${quote(JSON.stringify(body))}`;
  return {
    create: curl('PUT', 'overwrite=true', { exec: { kind: 'nodejs:20', code } }),
    invoke: curl('POST', 'blocking=true&result=true', { name: 'Isochrone' }),
    try: ['npm run -s isochrone -- try', ...options.map(quoteWhereNeeded)].join(' '),
  };
}

function quoteWhereNeeded(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quote(word);
}

/** A word for a POSIX shell, taken literally. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
