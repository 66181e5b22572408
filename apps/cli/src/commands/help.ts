import type { Command } from './command.js';

/** The text that names every command. */
export function helpText(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  const lines = commands.map(({ usage, about }) =>
    usage.length > 40 ? `  ${usage}\n  ${' '.repeat(40)}  ${about}` : `  ${usage.padEnd(Math.min(width, 40))}  ${about}`,
  );
  return `isochrone: every call is served in the region that answers its caller soonest

npm start [-- options]                  is \`isochrone up\`
npm run -s isochrone -- COMMAND …

${lines.join('\n')}

Every command finds its world by --data DIR (default: data in the project) and checks --port N.`;
}
