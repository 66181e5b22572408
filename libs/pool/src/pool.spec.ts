import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EntityId, Hlc, NamespaceId } from '#libs/domain';
import { place } from './place.js';
import {
  close,
  emptyPool,
  freeMiB,
  gone,
  initialised,
  isIdle,
  makeStem,
  release,
  reserve,
  stemMade,
  type Job,
  type Pool,
  type SlotId,
} from './pool.js';
import { dequeue, emptyQueue, enqueue, next, waiting, type QueueBounds, type WaitQueue } from './queue.js';
import { finished, readStemGoals, reclaim, stemPlan } from './upkeep.js';

const slot = (name: string): SlotId => name as SlotId;

function aJob(
  given: {
    ns?: string;
    action?: string;
    hlc?: string;
    memoryMiB?: number;
    concurrency?: number;
    instances?: number;
    binding?: string;
  } = {},
): Job {
  return {
    tenant: {
      ns: (given.ns ?? 'n') as NamespaceId,
      entityId: (given.action ?? 'a') as EntityId,
      hlc: (given.hlc ?? '1') as Hlc,
      binding: given.binding,
    },
    spec: { kind: 'nodejs:20', memoryMiB: given.memoryMiB ?? 256 },
    concurrency: given.concurrency ?? 1,
    instances: given.instances,
    bytes: 10,
  };
}

/** A pool in which the job runs in `id`, initialised. */
function running(pool: Pool, id: string, job: Job): Pool {
  return initialised(reserve(pool, slot(id), job), slot(id));
}

/** A pool in which the job has run in `id` until `atMs`. */
function warmed(pool: Pool, id: string, job: Job, atMs = 0): Pool {
  return release(running(pool, id, job), slot(id), true, atMs);
}

test('a warm sandbox of the same namespace and action version is used again', () => {
  const pool = warmed(emptyPool(1024), 's', aJob());
  assert.deepEqual(place(pool, aJob()), { start: 'warm', slot: 's' });
  for (const other of [{ ns: 'm' }, { action: 'b' }, { hlc: '2' }, { binding: 'n/p' }])
    assert.equal(place(pool, aJob(other)).start, 'cold');
});

test('a sandbox takes calls up to its concurrency before a second one is made', () => {
  const job = aJob({ concurrency: 2 });
  const one = running(emptyPool(1024), 's', job);
  assert.deepEqual(place(one, job), { start: 'warm', slot: 's' });
  assert.equal(place(reserve(one, slot('s'), job), job).start, 'cold');
});

test('calls ride on a sandbox that still initialises, but a ready one comes first and the fullest of those', () => {
  const job = aJob({ concurrency: 5 });
  const starting = reserve(emptyPool(1024), slot('new'), job);
  assert.deepEqual(place(starting, job), { start: 'warm', slot: 'new' });
  const withReady = running(warmed(starting, 'idle', job), 'busy', job);
  assert.deepEqual(place(withReady, job), { start: 'warm', slot: 'busy' });
});

test('a stem serves only its own kind and memory', () => {
  const pool = stemMade(makeStem(emptyPool(1024), slot('st'), aJob().spec), slot('st'));
  assert.deepEqual(place(pool, aJob()), { start: 'prewarmed', slot: 'st' });
  assert.deepEqual(place(pool, aJob({ memoryMiB: 512 })), { start: 'cold', evict: [] });
});

test('a stem that is still being made serves nobody', () => {
  assert.equal(place(makeStem(emptyPool(512), slot('st'), aJob().spec), aJob()).start, 'cold');
});

test('a cold start evicts the longest idle first, then stems, and never what runs', () => {
  let pool = warmed(emptyPool(1024), 'old', aJob({ action: 'old' }), 1);
  pool = warmed(pool, 'young', aJob({ action: 'young' }), 2);
  pool = running(pool, 'busy', aJob({ action: 'busy' }));
  pool = stemMade(makeStem(pool, slot('st'), aJob().spec), slot('st'));
  assert.deepEqual(place(pool, aJob({ memoryMiB: 256, action: 'x' })), { start: 'prewarmed', slot: 'st' });
  assert.deepEqual(place(pool, aJob({ memoryMiB: 512 })), { start: 'cold', evict: ['old', 'young'] });
  assert.deepEqual(place(pool, aJob({ memoryMiB: 768 })), { start: 'cold', evict: ['old', 'young', 'st'] });
  assert.deepEqual(place(pool, aJob({ memoryMiB: 1024 })), { start: 'wait', for: 'memory' });
});

test('a call that exceeds the whole invoker can never run there', () => {
  assert.deepEqual(place(emptyPool(512), aJob({ memoryMiB: 513 })), { start: 'never' });
});

test('an action has at most `instances` sandboxes', () => {
  const job = aJob({ instances: 1 });
  assert.deepEqual(place(running(emptyPool(1024), 's', job), job), { start: 'wait', for: 'instances' });
});

test('a retiring sandbox takes no more calls and is finished after its last', () => {
  const job = aJob({ concurrency: 5 });
  let pool = reserve(running(emptyPool(256), 's', job), slot('s'), job);
  pool = release(pool, slot('s'), false, 0);
  assert.equal(place(pool, job).start, 'wait');
  assert.deepEqual(finished(pool), []);
  pool = release(pool, slot('s'), true, 0);
  assert.deepEqual(finished(pool), ['s']);
  pool = close(pool, slot('s'));
  assert.equal(freeMiB(pool), 0);
  assert.equal(freeMiB(gone(pool, slot('s'))), 256);
});

test('leaving a sandbox that is gone already changes nothing', () => {
  assert.equal(release(emptyPool(1), slot('s'), true, 0).slots.size, 0);
});

test('an unused sandbox is gone at idleMaxMs, and at idleMs where memory is scarce or a newer version runs', () => {
  const limits = { idleMs: 300, idleMaxMs: 600 };
  const roomy = warmed(emptyPool(4096), 's', aJob(), 0);
  assert.deepEqual(reclaim(roomy, 599, limits), []);
  assert.deepEqual(reclaim(roomy, 600, limits), ['s']);
  assert.deepEqual(reclaim(warmed(emptyPool(256), 's', aJob(), 0), 299, limits), []);
  assert.deepEqual(reclaim(warmed(emptyPool(256), 's', aJob(), 0), 300, limits), ['s']);
  assert.deepEqual(reclaim(running(roomy, 'newer', aJob({ hlc: '10' })), 300, limits), ['s']);
});

test('stems are made up to their goals within free memory only', () => {
  const goals = readStemGoals(['256:2', '512:1'], 'nodejs:20');
  assert.deepEqual(
    stemPlan(emptyPool(4096), goals).map((s) => s.memoryMiB),
    [256, 256, 512],
  );
  assert.deepEqual(
    stemPlan(makeStem(emptyPool(512), slot('st'), aJob().spec), goals).map((s) => s.memoryMiB),
    [256],
  );
  assert.throws(() => readStemGoals(['256'], 'nodejs:20'), /'256' is no goal/);
});

const bounds: QueueBounds = { depthMax: 1000, namespaceDepthMax: 500, bytesMax: 1_000_000, patienceMs: 1000 };

function queued(jobs: readonly Job[], sinceMs = 0): WaitQueue<number> {
  return jobs.reduce<WaitQueue<number>>((queue, job, ticket) => {
    const more = enqueue(queue, { ticket, job, sinceMs: sinceMs + ticket }, bounds);
    assert.ok(more);
    return more;
  }, emptyQueue());
}

test('the queue refuses what exceeds its depth, the share of one namespace, or its bytes', () => {
  const call = { ticket: 0, job: aJob(), sinceMs: 0 };
  const one = queued([aJob()]);
  assert.equal(enqueue(one, call, { ...bounds, depthMax: 1 }), undefined);
  assert.equal(enqueue(one, call, { ...bounds, namespaceDepthMax: 1 }), undefined);
  assert.equal(enqueue(one, call, { ...bounds, bytesMax: 19 }), undefined);
  assert.equal(enqueue(one, { ...call, job: aJob({ ns: 'm' }) }, { ...bounds, namespaceDepthMax: 1 })?.depth, 2);
});

test('a namespace that comes late waits for one call of a crowd, not for all', () => {
  let queue = queued([...Array.from({ length: 10 }, () => aJob({ ns: 'crowd' })), aJob({ ns: 'late' })]);
  const served: string[] = [];
  for (let got = next(queue, emptyPool(256), 0, bounds); got; got = next(queue, emptyPool(256), 0, bounds)) {
    served.push(got.call.job.tenant.ns);
    queue = dequeue(queue, got.call, true);
  }
  assert.equal(served.indexOf('late'), 1);
  assert.equal(served.length, 11);
});

test('the namespace that holds less memory is next', () => {
  const pool = running(emptyPool(512), 's', aJob({ ns: 'crowd' }));
  assert.equal(next(queued([aJob({ ns: 'crowd', action: 'b' }), aJob({ ns: 'small' })]), pool, 0, bounds)?.call.job.tenant.ns, 'small');
});

test('a call that waits for its own instances does not hold up its neighbours', () => {
  const capped = aJob({ instances: 1 });
  const pool = running(emptyPool(512), 's', capped);
  assert.equal(next(queued([capped, aJob({ action: 'b' })]), pool, 0, bounds)?.call.job.tenant.entityId, 'b');
});

test('after its patience a large call is not overtaken for memory', () => {
  const pool = running(emptyPool(1024), 's', aJob({ action: 'busy' }));
  const queue = queued([aJob({ ns: 'large', memoryMiB: 1024 }), aJob({ ns: 'small' })]);
  assert.equal(next(queue, pool, 500, bounds)?.call.job.tenant.ns, 'small');
  assert.equal(next(queue, pool, 1500, bounds), undefined);
  assert.equal(next(queue, emptyPool(1024), 1500, bounds)?.call.job.tenant.ns, 'large');
});

test('patience does not let whoever fills the pool go on filling it', () => {
  const pool = [1, 2, 3].reduce((filled, n) => running(filled, `s${n}`, aJob({ ns: 'crowd', action: `a${n}` })), emptyPool(1024));
  const queue = queued([aJob({ ns: 'crowd', action: 'x' }), aJob({ ns: 'late' })]);
  assert.equal(next(queue, pool, bounds.patienceMs + 10_000, bounds)?.call.job.tenant.ns, 'late');
});

test('whatever comes and goes, memory is never exceeded, no sandbox changes its tenant or holds too many, and nobody waits beside free room', () => {
  const jobs = fc.record({
    ns: fc.constantFrom('n', 'm'),
    action: fc.constantFrom('a', 'b', 'c'),
    memoryMiB: fc.constantFrom(128, 256, 512),
    concurrency: fc.constantFrom(1, 2, 5),
  });
  const steps = fc.array(
    fc.oneof(
      jobs.map((job) => ({ come: job })),
      fc.record({ leave: fc.nat(), keep: fc.boolean() }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.constantFrom(512, 1024), (history, capacityMiB) => {
      let pool = emptyPool(capacityMiB);
      let queue = emptyQueue<number>();
      const inside: SlotId[] = [];
      const owners = new Map<SlotId, string>();
      let made = 0;
      let nowMs = 0;
      for (const step of history) {
        nowMs += 100;
        if ('come' in step) {
          // One action has one size, whatever the version says here.
          const job = aJob({ ...step.come, hlc: `${step.come.memoryMiB}${step.come.concurrency}` });
          queue = enqueue(queue, { ticket: nowMs, job, sinceMs: nowMs }, bounds) ?? queue;
        } else if (inside.length > 0) {
          const [id] = inside.splice(step.leave % inside.length, 1);
          if (id) pool = release(pool, id, step.keep, nowMs);
          for (const over of finished(pool)) pool = gone(close(pool, over), over);
        }
        for (let got = next(queue, pool, nowMs, bounds); got; got = next(queue, pool, nowMs, bounds)) {
          const { call, placement } = got;
          queue = dequeue(queue, call, true);
          assert.notEqual(placement.start, 'never');
          if (placement.start === 'never') continue;
          if (placement.start === 'cold') for (const id of placement.evict) pool = gone(close(pool, id), id);
          const id = placement.start === 'cold' ? slot(`s${(made += 1)}`) : placement.slot;
          pool = initialised(reserve(pool, id, call.job), id);
          inside.push(id);
          const owner = JSON.stringify(call.job.tenant);
          assert.equal(owners.get(id) ?? owner, owner);
          owners.set(id, owner);
        }
        assert.ok(freeMiB(pool) >= 0);
        for (const s of pool.slots.values()) if (s.phase === 'bound') assert.ok(s.running <= s.concurrency);
        const idle = [...pool.slots.values()].some(isIdle);
        assert.ok(queue.depth === 0 || !idle || waiting(queue).every(({ job }) => place(pool, job).start === 'wait'));
      }
      assert.equal(queue.depth, waiting(queue).length);
      assert.equal(
        inside.length,
        [...pool.slots.values()].reduce((sum, s) => sum + (s.phase === 'bound' ? s.running : 0), 0),
      );
    }),
    { numRuns: 200 },
  );
});
