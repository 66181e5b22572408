/** One composition for each combinator of openwhisk-composer, what it is called with, and what it must come to. */

/** Whatever a combinator makes. */
export interface Composition {
  compile(): object;
}

/** The module's combinators by name. */
export type Composer = Readonly<Record<string, (...args: unknown[]) => Composition>>;

export interface Composed {
  readonly composition: Composition;
  readonly params: Readonly<Record<string, unknown>>;
  readonly result: unknown;
}

/** The action that they are composed of: adds one to `n`. */
export const increment = 'function main({ n }) { return { n: n + 1 }; }';

/** A composition for each combinator but `async`, whose result tells of another activation. */
export function compositionsOf(composer: Composer): Readonly<Record<string, Composed>> {
  const c = (name: string, ...args: unknown[]): Composition => {
    const combinator = composer[name];
    if (combinator === undefined) throw new Error(`openwhisk-composer has no combinator ${name}`);
    return combinator(...args);
  };
  const code = (text: string): Composition => c('function', text);
  const twice = code('({ n }) => ({ n: n * 2 })');
  const fails = code("() => ({ error: 'bad' })");
  const below = code('({ n }) => n < 3');
  const belowToo = code('({ n }) => ({ n, value: n < 3 })');
  const nested = c('let', { x: 1 }, c('let', { x: 2 }, c('mask', code('() => x'))));
  const twoOf = (name: string): Composed => ({
    composition: c(name, 'increment', twice),
    params: { n: 5 },
    result: { value: [{ n: 6 }, { n: 10 }] },
  });
  return {
    action: { composition: c('action', 'increment'), params: { n: 1 }, result: { n: 2 } },
    function: { composition: twice, params: { n: 4 }, result: { n: 8 } },
    task: { composition: c('task', 'increment'), params: { n: 1 }, result: { n: 2 } },
    parse: { composition: c('parse', reread(c('sequence', 'increment', twice))), params: { n: 1 }, result: { n: 4 } },
    empty: { composition: c('empty'), params: { n: 1 }, result: { n: 1 } },
    value: { composition: c('value', 42), params: {}, result: { value: 42 } },
    literal: { composition: c('literal', 'x'), params: {}, result: { value: 'x' } },
    sequence: { composition: c('sequence', 'increment', twice, 'increment'), params: { n: 1 }, result: { n: 5 } },
    seq: { composition: c('seq', twice, 'increment'), params: { n: 1 }, result: { n: 3 } },
    dynamic: { composition: c('dynamic'), params: { type: 'action', name: 'increment', params: { n: 6 } }, result: { n: 7 } },
    if: { composition: c('if', below, 'increment', twice), params: { n: 5 }, result: { n: 10 } },
    if_nosave: { composition: c('if_nosave', belowToo, 'increment', twice), params: { n: 1 }, result: { n: 2 } },
    while: { composition: c('while', below, 'increment'), params: { n: 0 }, result: { n: 3 } },
    while_nosave: { composition: c('while_nosave', belowToo, 'increment'), params: { n: 1 }, result: { n: 3, value: false } },
    dowhile: { composition: c('dowhile', 'increment', below), params: { n: 5 }, result: { n: 6 } },
    dowhile_nosave: { composition: c('dowhile_nosave', 'increment', belowToo), params: { n: 1 }, result: { n: 3, value: false } },
    repeat: { composition: c('repeat', 3, 'increment'), params: { n: 0 }, result: { n: 3 } },
    retry: {
      composition: c('let', { left: 2 }, c('retry', 2, code("() => left-- > 0 ? { error: 'again' } : 42"))),
      params: {},
      result: { value: 42 },
    },
    retain: { composition: c('retain', 'increment'), params: { n: 1 }, result: { params: { n: 1 }, result: { n: 2 } } },
    retain_catch: { composition: c('retain_catch', fails), params: { n: 1 }, result: { params: { n: 1 }, result: { error: 'bad' } } },
    merge: { composition: c('merge', code('({ n }) => ({ m: n * 2 })')), params: { n: 2 }, result: { n: 2, m: 4 } },
    let: { composition: c('let', { x: 42 }, code('() => x')), params: {}, result: { value: 42 } },
    mask: { composition: nested, params: {}, result: { value: 1 } },
    try: { composition: c('try', fails, code('({ error }) => ({ caught: error })')), params: {}, result: { caught: 'bad' } },
    finally: { composition: c('finally', fails, code('({ error }) => ({ last: error })')), params: {}, result: { last: 'bad' } },
    parallel: twoOf('parallel'),
    par: twoOf('par'),
    map: { composition: c('map', 'increment'), params: { value: [{ n: 1 }, { n: 2 }] }, result: { value: [{ n: 2 }, { n: 3 }] } },
  };
}

/** Those that need Redis, which their callers name to them. */
export const overRedis: ReadonlySet<string> = new Set(['parallel', 'par', 'map']);

/** A composition as it comes back from a file. */
function reread(composition: Composition): object {
  return (JSON.parse(JSON.stringify(composition.compile())) as { composition: object }).composition;
}
