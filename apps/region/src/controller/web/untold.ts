/** A result that cannot be rendered: status and text of the error. */
export interface Untold {
  readonly status: number;
  readonly error: string;
}

/** The error for a result that does not make what an extension stands for. */
export function invalidAs(type: string): Untold {
  return { status: 400, error: `Response is not valid '${type}'.` };
}
