/** What foreign clients can do with us, command by command, as the conformance run finds it: the source of docs/compatibility.md. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a command fares: as at OpenWhisk, otherwise than there (how), or not at all (why). */
export type Outcome = 'works' | 'differs' | 'not offered';

/** One command of a client. */
export interface Fared {
  /** As its users write it, without arguments: `action create`. */
  readonly command: string;
  readonly outcome: Outcome;
  /** How it differs, or why it is not offered; nothing where it works. */
  readonly note: string;
}

/** Everything that one run found out about one client. */
export interface Findings {
  readonly client: string;
  readonly version: string;
  /** In one sentence, how it was driven. */
  readonly driven: string;
  readonly fared: readonly Fared[];
}

/**
 * Notes how the commands of a client fare. A command works when its test says so and nothing threw; a command that the client's own help lists and
 * that no test has noted is missing, which `missing` tells.
 */
export class Ledger {
  private readonly fared = new Map<string, Fared>();

  constructor(
    private readonly client: string,
    private readonly version: string,
    private readonly driven: string,
  ) {}

  /** The command did what it does at OpenWhisk. What was noted of it as different before stays so. */
  works(command: string): void {
    if (!this.fared.has(command)) this.note({ command, outcome: 'works', note: '' });
  }

  /** The command does something else here. */
  differs(command: string, how: string): void {
    this.note({ command, outcome: 'differs', note: how });
  }

  /** The command cannot be used here. */
  notOffered(command: string, why: string): void {
    this.note({ command, outcome: 'not offered', note: why });
  }

  /** Those of `listed` of which nothing was noted. */
  missing(listed: readonly string[]): string[] {
    return listed.filter((command) => !this.fared.has(command));
  }

  /** Leaves the findings where the run collects them, if it does. */
  save(folder = process.env['ISOCHRONE_COMPATIBILITY']): void {
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    const { client, version, driven } = this;
    const fared = [...this.fared.values()].sort((a, b) => (a.command < b.command ? -1 : 1));
    const findings: Findings = { client, version, driven, fared };
    writeFileSync(join(folder, `${client.replaceAll(/\W+/g, '-')}.json`), JSON.stringify(findings));
  }

  private note(fared: Fared): void {
    this.fared.set(fared.command, fared);
  }
}

/** The findings that a run left in a folder. */
export function readFindings(folder: string): Findings[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Findings);
}

/** The part of the page that tells of one client. */
export function section({ client, version, driven, fared }: Findings): string {
  const count = (outcome: Outcome): number => fared.filter((each) => each.outcome === outcome).length;
  const rows = fared.map(({ command, outcome, note }) => `| \`${command}\` | ${outcome} | ${note.replaceAll('|', '\\|')} |`);
  return [
    `## ${client} ${version}`,
    driven,
    `${count('works')} work, ${count('differs')} differ, ${count('not offered')} are not offered.`,
    ['| command | | |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}

const head = `# Compatibility

<!-- Written by the conformance run (ISOCHRONE_WRITE=1 npm test -- --only conformance); a test fails where a run finds something else. -->

Clients that nobody here wrote, unmodified, each driven through every command that its own help lists. _works_: it does what it does at OpenWhisk. _differs_:
it does something else, and how. _not offered_: it cannot be used here, and why.`;

/** The page with the sections of these findings in place of what it said of the same clients before; what it says of others stays. */
export function page(before: string, findings: readonly Findings[]): string {
  const titleOf = (text: string): string => text.split('\n')[0]?.replace(/ \S+$/, '') ?? '';
  const old = before
    .split(/^(?=## )/m)
    .slice(1)
    .map((text) => text.trim());
  const sections = new Map(old.map((text) => [titleOf(text), text]));
  for (const each of findings) {
    const text = section(each);
    sections.set(titleOf(text), text);
  }
  const titles = [...sections.keys()].sort();
  return `${[head, ...titles.map((title) => sections.get(title) ?? '')].join('\n\n')}\n`;
}
