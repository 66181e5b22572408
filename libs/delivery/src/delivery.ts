/**
 * The life of an accepted activation, in one region:
 *
 *   accepted ──claim──▶ claimed(attempt, lease) ──start──▶ started(attempt, lease) ──finish──▶ done
 *       ▲                     │ lease over, or released
 *       └─────────────────────┘
 *
 * A run that has not started is delivered again; once it started it never is: when its lease runs out it ends as lost, in a record that says
 * that it may have run. A terminal write counts only where nothing is done yet and the attempt is the one that was granted, so a runner that
 * was given up cannot overwrite what came after it. Both adapters of the queue of record share these rules; the SQL of the activation store is
 * tested against them.
 *
 * Example: attempt 1 is claimed by invoker A, which is killed. Its lease ends; B claims attempt 2 and starts. A comes back and wants to finish
 * attempt 1: refused. B finishes attempt 2: done.
 */

/** Where an activation stands. `attempt` counts the grants so far; times are epoch ms. */
export type Delivery =
  | { readonly state: 'accepted'; readonly attempt: number; readonly idleSinceMs: number }
  | { readonly state: 'claimed' | 'started'; readonly attempt: number; readonly invoker: string; readonly leaseUntilMs: number }
  | { readonly state: 'done'; readonly attempt: number };

/** What somebody wants of an activation. */
export type DeliveryEvent =
  | { readonly kind: 'accept'; readonly nowMs: number }
  | { readonly kind: 'claim' | 'start'; readonly invoker: string; readonly nowMs: number; readonly leaseMs: number }
  | { readonly kind: 'renew'; readonly invoker: string; readonly nowMs: number; readonly leaseMs: number }
  | { readonly kind: 'release'; readonly invoker: string; readonly nowMs: number }
  | { readonly kind: 'finish'; readonly attempt: number };

/** The state afterwards, and whether the wish was granted. */
export interface Step {
  readonly next: Delivery | undefined;
  readonly granted: boolean;
}

/** After so many attempts that never started, an activation is given up as lost. */
export const attemptsMax = 5;

/** What becomes of an activation (undefined: not known yet) by an event. */
export function step(current: Delivery | undefined, event: DeliveryEvent): Step {
  switch (event.kind) {
    case 'accept':
      return current
        ? { next: current, granted: false }
        : { next: { state: 'accepted', attempt: 0, idleSinceMs: event.nowMs }, granted: true };
    case 'claim':
    case 'start':
      return take(current, event);
    case 'renew':
      return holds(current, event.invoker)
        ? { next: { ...current, leaseUntilMs: event.nowMs + event.leaseMs }, granted: true }
        : { next: current, granted: false };
    case 'release':
      return holds(current, event.invoker) && current.state === 'claimed'
        ? { next: { state: 'accepted', attempt: current.attempt, idleSinceMs: event.nowMs }, granted: true }
        : { next: current, granted: false };
    case 'finish':
      return finish(current, event.attempt);
  }
}

function take(current: Delivery | undefined, event: Extract<DeliveryEvent, { kind: 'claim' | 'start' }>): Step {
  const granted = (attempt: number): Step => ({
    next: {
      state: event.kind === 'claim' ? 'claimed' : 'started',
      attempt,
      invoker: event.invoker,
      leaseUntilMs: event.nowMs + event.leaseMs,
    },
    granted: true,
  });
  const refused: Step = { next: current, granted: false };
  if (!current) return granted(1);
  switch (current.state) {
    case 'accepted':
      return granted(current.attempt + 1);
    case 'claimed':
      if (event.kind === 'start' && current.invoker === event.invoker) return granted(current.attempt);
      return current.leaseUntilMs < event.nowMs ? granted(current.attempt + 1) : refused;
    case 'started':
    case 'done':
      return refused;
  }
}

function finish(current: Delivery | undefined, attempt: number): Step {
  if (current?.state === 'done' || (current && attempt !== 0 && current.attempt !== attempt)) return { next: current, granted: false };
  return { next: { state: 'done', attempt: current?.attempt ?? attempt }, granted: true };
}

function holds(current: Delivery | undefined, invoker: string): current is Extract<Delivery, { invoker: string }> {
  return (current?.state === 'claimed' || current?.state === 'started') && current.invoker === invoker;
}

/** What the recovery loop owes an activation: nothing yet, another delivery, or an end as lost. */
export type Verdict = 'wait' | 'redeliver' | 'lost';

/** The verdict at `nowMs`; an accepted one is left alone for `idleMs`, since its first delivery may be under way. */
export function sweep(current: Delivery, nowMs: number, idleMs: number): Verdict {
  switch (current.state) {
    case 'accepted':
      return current.idleSinceMs + idleMs >= nowMs ? 'wait' : again(current.attempt);
    case 'claimed':
      return current.leaseUntilMs >= nowMs ? 'wait' : again(current.attempt);
    case 'started':
      return current.leaseUntilMs >= nowMs ? 'wait' : 'lost';
    case 'done':
      return 'wait';
  }
}

/** How long a lost activation is left to the loop that found it, ms. */
export const lostGraceMs = 30_000;

/** What an activation is after the recovery loop found it due: an expired claim is free, and the next look comes later. */
export function swept(current: Delivery, nowMs: number): Delivery {
  switch (current.state) {
    case 'accepted':
    case 'claimed':
      return { state: 'accepted', attempt: current.attempt, idleSinceMs: nowMs };
    case 'started':
      return { ...current, leaseUntilMs: nowMs + lostGraceMs };
    case 'done':
      return current;
  }
}

function again(attempt: number): Verdict {
  return attempt >= attemptsMax ? 'lost' : 'redeliver';
}
