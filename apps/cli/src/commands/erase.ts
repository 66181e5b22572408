import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { ofRegions, segment } from './admin-answers.js';
import { askAdmin, type LiveWorld } from './live-world.js';
import type { Job } from './admin-job.js';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const Ordered = z.object({ namespaces: z.array(z.object({ namespace: z.string().optional(), namespaceId: z.string() })) });
const Reports = ofRegions(z.object({ sweptAtMs: z.number().optional(), counts: z.record(z.string(), z.number()) }));

/** How long a region that does not answer is waited for, ms: it erases when it is back, whether anybody waits or not. */
const patienceMs = 60_000;
const pollMs = 2000;

/** Erases a subject, or a namespace that nobody has a key to, waits for every region, and tells what each of them erased. */
export async function eraseSubject({ live, name, values, tell, say }: Job): Promise<number> {
  if (values['yes'] !== true)
    throw new Refusal(`this cannot be undone: \`isochrone subjects erase ${name} --yes\` erases ${name} in every region`, 2);
  const asked = uuid.test(name)
    ? await askAdmin(live, 'POST', '/erasures', { namespaceId: name })
    : await askAdmin(live, 'POST', `/subjects/${segment(name)}/erase`);
  const { namespaces } = Ordered.parse(asked);
  const report: Record<string, object> = {};
  const lines: string[] = [];
  let missing = false;
  for (const { namespace, namespaceId } of namespaces) {
    const { regions } = await allSwept(live, namespaceId);
    report[namespaceId] = { ...(namespace === undefined ? {} : { namespace }), regions };
    for (const [region, word] of Object.entries(regions)) {
      const swept = 'answer' in word && word.answer?.sweptAtMs !== undefined ? word.answer : undefined;
      missing ||= swept === undefined;
      const told = swept
        ? Object.entries(swept.counts).map(([what, count]) => `${count} ${what}`)
        : ['not yet: it erases as soon as it is back'];
      lines.push(`${namespace ?? namespaceId}  ${region}  ${told.join(', ')}`);
    }
  }
  tell({ name, namespaces: report }, [...lines, missing ? `${name} is erased where it says so above` : `${name} is erased`]);
  if (missing) say('not every region answered: `subjects erase NAMESPACE-ID --yes` tells later how far they are');
  return missing ? 1 : 0;
}

async function allSwept(live: LiveWorld, namespaceId: string): Promise<z.infer<typeof Reports>> {
  const endMs = Date.now() + patienceMs;
  for (;;) {
    const reports = Reports.parse(await askAdmin(live, 'GET', `/erasures/${segment(namespaceId)}`));
    const all = Object.values(reports.regions).every((word) => 'answer' in word && word.answer?.sweptAtMs !== undefined);
    if (all || Date.now() > endMs) return reports;
    await sleep(pollMs);
  }
}
