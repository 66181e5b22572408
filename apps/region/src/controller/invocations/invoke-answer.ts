import { recordJson, toJsonText, type ActivationId, type LimitProfile, type StatusCode, type Transid } from '#libs/domain';
import { jsonAnswer, type Answer } from '#libs/http';
import type { Accepted } from './invocations.js';
import type { InvokeQuery } from './invoke-query.js';

/** HTTP status of a blocking answer by the status of the response: what an action does wrong is a bad gateway. */
const httpStatus: Record<StatusCode, number> = { 0: 200, 1: 502, 2: 502, 3: 500 };

const waitOver = 'The wait is over and the activation has not ended; its record will tell';

/** The header that names an activation. */
export function activationHeader(id: ActivationId): Readonly<Record<string, string>> {
  return { 'x-openwhisk-activation-id': id };
}

/** The answer to an invocation that was accepted. Of logs only a flow's are told: the ids of what it caused. A list is answered bare, whatever was asked for. */
export function invokeAnswer(
  { activationId, record }: Accepted,
  { waitMs, resultOnly }: InvokeQuery,
  { waitOverStatus }: Pick<LimitProfile, 'waitOverStatus'>,
  transid: Transid,
): Answer {
  const headers = activationHeader(activationId);
  if (!record) {
    const status = waitMs === undefined ? 202 : waitOverStatus;
    // Whoever gets an error looks for these two before anything else.
    const told = status === 202 ? {} : { error: `${waitOver} (${activationId}).`, code: transid };
    return jsonAnswer(status, toJsonText({ activationId, ...told }), headers);
  }
  const { statusCode, result } = record.response;
  const bare = resultOnly || (statusCode === 0 && result?.trimStart().startsWith('['));
  return jsonAnswer(
    httpStatus[statusCode],
    bare ? (result ?? toJsonText({})) : recordJson(record, record.trace.ran ? record.logs : []),
    headers,
  );
}
