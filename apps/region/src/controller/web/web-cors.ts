import type { AnswerHeaders } from '#libs/http';

/** An action's own CORS headers are sent beside the platform's, behind them. */
export function joinedCors(cors: AnswerHeaders, own: AnswerHeaders): AnswerHeaders {
  const both = Object.keys(cors).filter((name) => name in own && own[name] !== cors[name]);
  return { ...cors, ...own, ...Object.fromEntries(both.map((name) => [name, [cors[name] ?? '', own[name] ?? ''].flat()])) };
}
