import type { ActivationResponse } from '#libs/domain';

/** Whether a response ends the sequence that it is part of: a failure, or a result with an error in it. */
export function stops({ statusCode, result }: ActivationResponse): boolean {
  if (statusCode !== 0 || result === undefined) return true;
  const value: unknown = result.includes('"error"') ? JSON.parse(result) : undefined;
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 'error' in value;
}
