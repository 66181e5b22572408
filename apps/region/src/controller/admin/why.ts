import { type ActivationRecord, type Json } from '#libs/domain';

/** What an operator is told about the activations of one transaction: where each ran, how it was started and where its time went (ms). */
export function whyOf(records: readonly ActivationRecord[]): Json {
  return records.map(({ activationId, namespace, filterName, version, trace, start, end, response }) => ({
    region: trace.region,
    activationId,
    namespace,
    action: filterName,
    version,
    startType: trace.start,
    attempt: trace.attempt,
    start,
    ...(end === undefined ? {} : { end }),
    waitMs: trace.waitMs,
    ...(trace.initMs === undefined ? {} : { initMs: trace.initMs }),
    ...(trace.runMs === undefined ? {} : { runMs: trace.runMs }),
    status: response.statusCode,
  }));
}
