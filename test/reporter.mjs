/**
 * Reporter of node:test for test/run.mjs: a line for each test as it ends, failures in full, and the counts as JSON in the file that
 * ISOCHRONE_COUNTS names.
 */
import { writeFileSync } from 'node:fs';

export default async function* report(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of source) {
    if (type === 'test:diagnostic' && data.nesting > 0) yield `      ${data.message}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    const indent = '  '.repeat(data.nesting + 1);
    const ms = Math.round(data.details?.duration_ms ?? 0);
    if (data.skip !== undefined) {
      counts.skipped += 1;
      yield `${indent}- ${data.name} (skipped${typeof data.skip === 'string' && data.skip ? `: ${data.skip}` : ''})\n`;
    } else if (type === 'test:pass') {
      counts.passed += 1;
      yield `${indent}✓ ${data.name}${ms > 1000 ? ` (${(ms / 1000).toFixed(1)} s)` : ''}\n`;
    } else {
      counts.failed += 1;
      const error = data.details?.error?.cause ?? data.details?.error;
      yield `${indent}✗ ${data.name}\n${String(error?.stack ?? error?.message ?? error).replace(/^/gm, `${indent}  `)}\n`;
    }
  }
  if (process.env.ISOCHRONE_COUNTS) writeFileSync(process.env.ISOCHRONE_COUNTS, JSON.stringify(counts));
}
