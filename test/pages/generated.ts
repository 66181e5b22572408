import { join } from 'node:path';
import { format } from 'prettier';
import { projectRoot } from '../support/project.js';
import { errorsPage } from './errors-page.js';
import { limitsPage } from './limits-page.js';

/** Pages that are written from the tables of the code: where each stands and what must stand there. */
export async function generatedPages(): Promise<{ readonly file: string; readonly text: string }[]> {
  const pages = [
    ['docs/guides/errors.md', errorsPage()],
    ['docs/guides/limits.md', limitsPage()],
  ] as const;
  return Promise.all(
    pages.map(async ([file, text]) => ({
      file: join(projectRoot, file),
      text: await format(text, { parser: 'markdown', printWidth: 140 }),
    })),
  );
}
