/** Why there is no connection, and the status by which the gateway says so. */
const statuses = {
  /** Refused by policy. */
  EACCES: 403,
  /** Nothing that could be understood. */
  EINVAL: 400,
  ENOTFOUND: 502,
  ECONNREFUSED: 502,
  ECONNRESET: 502,
  EHOSTUNREACH: 502,
  ENETUNREACH: 502,
  /** Name servers do not answer. */
  EAI_AGAIN: 504,
  ETIMEDOUT: 504,
  /** Too many connections at once. */
  EMFILE: 503,
} as const;

/** Names of the ways in which the gateway fails, as errno has them. */
export type EgressCode = keyof typeof statuses;

/** A connection or a question that came to nothing; the text is for the action's author. */
export class EgressError extends Error {
  constructor(
    readonly code: EgressCode,
    message: string,
  ) {
    super(message);
  }

  get status(): number {
    return statuses[this.code];
  }

  /** From what a socket reports. */
  static of(error: unknown): EgressError {
    if (error instanceof EgressError) return error;
    const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
    return new EgressError(Object.hasOwn(statuses, code) ? (code as EgressCode) : 'ECONNRESET', code || 'the connection failed');
  }
}
