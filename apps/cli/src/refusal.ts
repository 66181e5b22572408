/** Something the person at the terminal can mend: shown as one line on stderr, without a stack. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    message: string,
    /** 1: it did not work; 2: it was asked for in a way nobody understands. */
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The line for an error of the file system or the network, whose own text names no remedy; anything else stays what it is. */
export function explain(error: unknown, folder: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC') return new Refusal(noSpace(folder), 1, { cause: error });
  if (code === 'EROFS') return new Refusal(`${folder} cannot be written: its file system is read-only`, 1, { cause: error });
  if (code === 'EACCES' || code === 'EPERM')
    return new Refusal(`${folder} cannot be written by this user: ${error instanceof Error ? error.message : ''}`, 1, { cause: error });
  return error;
}

/** The line for a full disk. */
export function noSpace(folder: string): string {
  return `no space is left on the disk that holds ${folder}: free some, or choose another folder with --data`;
}
