import { Failure } from '#libs/domain';
import type { Answer } from './answer.js';
import { readMediaType } from './media-type.js';

/** Whether an `Accept` header admits a media type. No header, and one that cannot be read, admits everything. */
export function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const wanted = readMediaType(type);
  const ranges = header.split(',').map((range) => ({ type: readMediaType(range), refused: /;\s*q\s*=\s*0(\.0*)?\s*(;|$)/i.test(range) }));
  if (!wanted || ranges.some((range) => range.type === undefined)) return true;
  const matching = ranges
    .filter(
      ({ type: range }) => range && (range.main === '*' || range.main === wanted.main) && (range.sub === '*' || range.sub === wanted.sub),
    )
    .sort((a, b) => exactness(b.type?.full) - exactness(a.type?.full));
  return matching[0] !== undefined && !matching[0].refused;
}

/** Throws when a successful answer with a body has a type the client does not accept; errors and bare statuses pass. */
export function checkAcceptable(header: string | undefined, answer: Answer): void {
  const { status, type, body, bare } = answer;
  if (bare || status < 200 || status > 299 || type === undefined || body === undefined) return;
  if (!accepts(header, type)) throw new Failure('not-acceptable', { types: type });
}

function exactness(range: string | undefined): number {
  return range === '*/*' ? 0 : (range?.endsWith('/*') ?? true) ? 1 : 2;
}
