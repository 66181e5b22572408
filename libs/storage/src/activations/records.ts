import { asJsonText, readActivationId, type ActivationId, type ActivationRecord, type StatusCode } from '#libs/domain';

/** When an activation was accepted, as its id tells: half of its row's key. */
export function acceptedAt(id: ActivationId): Date {
  return new Date(readActivationId(id).acceptedAtMs);
}

/** A UUID column gives dashes; our ids have none. */
export function undashed(uuid: string): ActivationId {
  return uuid.replaceAll('-', '') as ActivationId;
}

/** The part of a record that is small and always read: everything but result and logs. */
type Slim = Omit<ActivationRecord, 'logs' | 'response'> & {
  readonly response: { readonly statusCode: StatusCode; readonly size?: number };
};

/** Columns of a record of which nothing is kept but that it ended. */
const unkept = {
  name: null,
  filterName: null,
  start: null,
  end: null,
  duration: null,
  status: null,
  transid: null,
  record: null,
  result: null,
  logs: null,
};

/** Column values of a finished record. Text columns hold JSON or checked names, so none can carry U+0000. */
export function columnsOf(record: ActivationRecord) {
  if (record.trace.unkept) return unkept;
  const { logs, response, ...rest } = record;
  const slim: Slim = {
    ...rest,
    response: { statusCode: response.statusCode, ...(response.size === undefined ? {} : { size: response.size }) },
  };
  return {
    name: searchable(record.name),
    filterName: searchable(record.filterName),
    start: record.start,
    end: record.end ?? null,
    duration: record.duration ?? null,
    status: response.statusCode,
    transid: transidOf(record.trace.transid),
    record: JSON.stringify(slim),
    result: response.result ?? null,
    logs: logs.length === 0 ? null : JSON.stringify(logs),
  };
}

/** A row that holds a whole record. */
export interface RecordRow {
  readonly record: string;
  readonly result: string | null;
  readonly logs: string | null;
}

/** The record of a row. */
export function recordOf({ record, result, logs }: RecordRow): ActivationRecord {
  const slim = JSON.parse(record) as Slim;
  return {
    ...slim,
    response: { ...slim.response, result: result === null ? undefined : asJsonText(result) },
    logs: logs === null ? [] : (JSON.parse(logs) as string[]),
  };
}

/** The summary of a row, without reading what is large. */
export function summaryOf({ record }: Pick<RecordRow, 'record'>) {
  const { response, trace: _trace, ...rest } = JSON.parse(record) as Slim;
  return { ...rest, statusCode: response.statusCode };
}

/** Text as it stands in a column: a text column cannot hold U+0000. */
export function searchable(text: string): string {
  return text.replaceAll('\0', '\u{fffd}');
}

/** A transaction id as it stands in its column: callers may send long ones, and an index has no room for those. The record keeps all of it. */
export function transidOf(transid: string): string {
  return searchable(transid).slice(0, 256);
}
