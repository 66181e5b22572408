import { failures } from '#libs/domain';

/** The page of all errors, from the table that the platform answers by. */
export function errorsPage(): string {
  const rows = Object.values(failures)
    .map(([status, text]) => [status, text] as const)
    .toSorted(([a, x], [b, y]) => a - b || (x < y ? -1 : 1))
    .map(([status, text]) => `| ${status} | ${cell(text)} |`);
  return `# Errors

<!-- Written by \`npm run docs\` from the table that answers; a test fails where the two differ. -->

Every refusal has the form \`{"error": "…", "code": "…"}\`. \`code\` is the id of the request, the same as in \`X-Request-ID\`: with it the operator finds out
what happened (\`isochrone why CODE\`). Texts that OpenWhisk has too are its own to the letter; \`{…}\` stands for what the request named, \`⏎\` for a new line.

| status | \`error\` |
| -----: | ------- |
${rows.join('\n')}

## What is no refusal

- **502 with \`response\`** in the body of a blocking call: the action ran and ended with an error of its own. The activation has the details.
- **202 or 504 with an \`activationId\`**: the action still runs; ask for the activation later. Which of the two, the limit profile says.
- **404 with \`X-Isochrone-State: pending\`**: the activation was accepted and has not ended yet.
- **\`X-Isochrone-Fault\`** on an answer: the region itself is at fault, and why. The router counts that against the region.

## When to try again

- 429: after \`Retry-After\`, where there is one; else in the next minute of the clock.
- 503: after \`Retry-After\`. Nothing was accepted.
- 502 that says the request may have run: look whether it did before you repeat it.
- 409 \`Concurrent modification to resource detected.\`: read again, then write.
`;
}

function cell(text: string): string {
  if (text === '{reason}') return 'told with the reason';
  return `\`${text.replaceAll('\n', ' ⏎ ').replaceAll('|', '\\|')}\``;
}
