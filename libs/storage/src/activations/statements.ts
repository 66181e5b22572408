/** SQL of the activation store. The rules are libs/delivery's; test/integration/activations.it.ts drives both with the same events. */

import type { ActivationFilter } from '#libs/domain';

/** States as stored. `unkept` has ended like `done`, and its namespace keeps no records: lists and reads pass it by. */
export const states = { accepted: 0, claimed: 1, started: 2, done: 3, unkept: 4 } as const;

/** $1 ids, $2 accepted_at, $3 ns, $4 bodies. What is known already only gets the body it lacks. */
export const acceptSql = `
insert into activation (id, accepted_at, ns, state, attempt, lease_until, body)
select id, accepted_at, ns, 0, 0, clock_timestamp(), body
from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bytea[]) as a(id, accepted_at, ns, body) order by id
on conflict (id, accepted_at) do update set body = excluded.body where activation.state < 3 and activation.body is null`;

// Statements of many rows take their locks in the order of ids, so that two of them never wait for each other in a circle.
const taken = `unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::int[]) as c(id, accepted_at, ns, invoker, lease_ms) order by id`;

/** $1 ids, $2 accepted_at, $3 ns, $4 invokers, $5 lease ms. Returns what was granted. */
export const claimSql = `
insert into activation (id, accepted_at, ns, state, attempt, invoker, lease_until)
select id, accepted_at, ns, 1, 1, invoker, clock_timestamp() + lease_ms * interval '1 ms' from ${taken}
on conflict (id, accepted_at) do update set
  state = 1, attempt = activation.attempt + 1, invoker = excluded.invoker, lease_until = excluded.lease_until
where activation.state = 0 or (activation.state = 1 and activation.lease_until < clock_timestamp())
returning id, attempt`;

/** The same, and started: after this the run is never repeated. */
export const startSql = `
insert into activation (id, accepted_at, ns, state, attempt, invoker, lease_until)
select id, accepted_at, ns, 2, 1, invoker, clock_timestamp() + lease_ms * interval '1 ms' from ${taken}
on conflict (id, accepted_at) do update set
  state = 2, invoker = excluded.invoker, lease_until = excluded.lease_until,
  attempt = activation.attempt + case when activation.state = 1 and activation.invoker = excluded.invoker then 0 else 1 end
where activation.state = 0
   or (activation.state = 1 and (activation.invoker = excluded.invoker or activation.lease_until < clock_timestamp()))
returning id, attempt`;

/** $1 ids, $2 accepted_at. */
export const statesSql = `select id, state from activation where (id, accepted_at) in (select * from unnest($1::uuid[], $2::timestamptz[]))`;

/** $1 invoker, $2 ids, $3 accepted_at, $4 lease ms. */
export const renewSql = `
with held as (
  select id, accepted_at from activation
  where (id, accepted_at) in (select * from unnest($2::uuid[], $3::timestamptz[])) and invoker = $1 and state in (1, 2)
  order by id for update)
update activation a set lease_until = clock_timestamp() + $4::int * interval '1 ms'
from held where a.id = held.id and a.accepted_at = held.accepted_at`;

/** $1 invoker, $2 id, $3 accepted_at. */
export const releaseSql = `
update activation set state = 0, invoker = null, lease_until = clock_timestamp()
where id = $2 and accepted_at = $3 and invoker = $1 and state = 1`;

/** Arrays: id, accepted_at, ns, attempt, name, filter_name, start, end, duration, status, transid, record, result, logs. One without a record is unkept. */
export const finishSql = `
insert into activation (id, accepted_at, ns, state, attempt, name, filter_name, start_ms, end_ms, duration_ms, status, transid, record, result, logs)
select id, accepted_at, ns, case when record is null then 4 else 3 end, attempt, name, filter_name, start_ms, end_ms, duration_ms, status, transid, record, result, logs
from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
            $10::smallint[], $11::text[], $12::text[], $13::text[], $14::text[])
  as f(id, accepted_at, ns, attempt, name, filter_name, start_ms, end_ms, duration_ms, status, transid, record, result, logs)
order by id
on conflict (id, accepted_at) do update set
  state = excluded.state, body = null, lease_until = null, name = excluded.name, filter_name = excluded.filter_name, start_ms = excluded.start_ms,
  end_ms = excluded.end_ms, duration_ms = excluded.duration_ms, status = excluded.status, transid = excluded.transid,
  record = excluded.record, result = excluded.result, logs = excluded.logs
where activation.state < 3 and (excluded.attempt = 0 or activation.attempt = excluded.attempt)
returning id`;

/**
 * $1 idle ms, $2 limit, $3 attempts max, $4 how long a lost one is left to whoever took it, ms. An expired claim becomes free; one that was
 * looked at is left alone for a while, so that two loops do not do the same work.
 */
export const dueSql = `
with due as (
  select id, accepted_at from activation
  where state < 3 and lease_until < statement_timestamp()
    and (state > 0 or lease_until < statement_timestamp() - $1::int * interval '1 ms')
  order by lease_until limit $2 for update skip locked)
update activation a set
  state = case when a.state = 1 then 0 else a.state end,
  invoker = case when a.state = 1 then null else a.invoker end,
  lease_until = clock_timestamp() + case when a.state = 2 then $4::int else 0 end * interval '1 ms'
from due where a.id = due.id and a.accepted_at = due.accepted_at
returning a.id, a.ns, a.attempt, a.body, case when a.state = 2 or a.attempt >= $3::int then 'lost' else 'redeliver' end as verdict`;

/** $1 id, $2 accepted_at, $3 ns. */
export const findSql = `select state, record, result, logs from activation where id = $1 and accepted_at = $2 and ns = $3`;

/** A list of whole records carries so many bytes of logs, the latest first; the rest are read one by one. */
const listLogBytesMax = 32 * 1024 * 1024;
const latestFirst = 'order by start_ms desc, id desc';

/** What narrows a list of finished activations: a text of its own for each set of filters, so that each has a plan of its own. */
export interface Narrowing {
  /** Tells sets of filters apart. */
  readonly name: string;
  readonly where: string;
  /** Of $1, $2 and so on; a page's limit and skip come behind. */
  readonly values: readonly unknown[];
}

/** The rows of a namespace, narrowed by the filters that are given. */
export function narrowing(ns: string, { name, since, upto }: ActivationFilter): Narrowing {
  const filters = (
    [
      ['filter_name =', name],
      ['start_ms >=', since],
      ['start_ms <=', upto],
    ] as const
  ).filter(([, value]) => value !== undefined);
  return {
    name: filters.map(([condition]) => condition).join(' '),
    where: ['state = 3 and ns = $1', ...filters.map(([condition], i) => `${condition} $${i + 2}`)].join(' and '),
    values: [ns, ...filters.map(([, value]) => value)],
  };
}

const page = ({ values }: Narrowing) => `limit $${values.length + 1} offset $${values.length + 2}`;

export const listSql = (by: Narrowing) => `select record from activation where ${by.where} ${latestFirst} ${page(by)}`;
export const listFullSql = (by: Narrowing) => `
select record, result, case when sum(coalesce(octet_length(logs), 0)) over (${latestFirst}) <= ${listLogBytesMax} then logs end as logs
from (select id, start_ms, record, result, logs from activation where ${by.where} ${latestFirst} ${page(by)}) page ${latestFirst}`;
export const countSql = (by: Narrowing) => `select count(*) as n from activation where ${by.where}`;

/** $1 transaction id. */
export const byTransidSql = `select record, result, logs from activation where transid = $1 and state = 3 order by start_ms limit 100`;
