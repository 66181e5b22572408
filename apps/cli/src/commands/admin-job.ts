import type { Surroundings } from './command.js';
import type { LiveWorld } from './live-world.js';

/** What a verb works with. */
export interface Job {
  readonly live: LiveWorld;
  readonly name: string;
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  /** Prints what was answered as it is where `--json` was given, else as lines. */
  readonly tell: (answer: object, lines: readonly string[]) => void;
  readonly say: (text: string) => void;
}

/** How a command tells its answer: as JSON or as lines. */
export function printing(
  { print, say }: Surroundings,
  { json }: Readonly<Record<string, string | boolean | undefined>>,
): Pick<Job, 'tell' | 'say'> {
  const tell: Job['tell'] = (answer, lines) => {
    for (const line of json ? [JSON.stringify(answer)] : lines) print(line);
  };
  return { tell, say };
}
