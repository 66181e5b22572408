/** Pages of docs as programs: their blocks are files, commands, and what the commands print. */
import { readFileSync } from 'node:fs';

/** A file that a page tells the reader to have. */
export interface PageFile {
  readonly name: string;
  readonly text: string;
}

/** Commands that a page tells the reader to run, and what they print where the page says so. */
export interface PageCommands {
  readonly line: number;
  readonly script: string;
  /** A tool without which the reader skips them. */
  readonly tool: string | undefined;
  readonly output: string | undefined;
}

/** Reads the blocks of a page: `js NAME` is a file, `sh [TOOL]` commands, `output` what the commands before print. */
export function readPage(file: string): { readonly files: readonly PageFile[]; readonly commands: readonly PageCommands[] } {
  const files: PageFile[] = [];
  const commands: PageCommands[] = [];
  const text = readFileSync(file, 'utf8');
  for (const match of text.matchAll(/^```(\S+)(?: (\S+))?\n(.*?)^```$/gms)) {
    const [, language = '', word, content = ''] = match;
    const line = text.slice(0, match.index).split('\n').length;
    const before = commands.at(-1);
    if (language === 'js' && word !== undefined) files.push({ name: word, text: content });
    else if (language === 'sh') commands.push({ line, script: content, tool: word, output: undefined });
    else if (language === 'output' && before) commands[commands.length - 1] = { ...before, output: content };
  }
  return { files, commands };
}

/** Whether `printed` is what a page promises; `…` stands for anything within a line. Spaces at the ends of lines do not count. */
export function prints(promised: string, printed: string): boolean {
  const pattern = lines(promised).map((line) => line.split('…').map(escaped).join('.*'));
  return new RegExp(`^${pattern.join('\n')}$`).test(lines(printed).join('\n'));
}

function lines(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trimEnd());
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
