/** Fields of a log line. Never parameters, results or keys. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

type Level = 'error' | 'warn' | 'log' | 'debug';

const order: readonly Level[] = ['error', 'warn', 'log', 'debug'];

/**
 * Writes JSON lines on stderr. The message is constant text, the rest are fields. error: someone must act; warn: degraded and handled;
 * log: a state changed; debug: per request.
 */
export class Logger {
  constructor(
    private readonly base: LogFields = {},
    private readonly level: Level = 'log',
    private readonly write: (line: string) => void = (line) => void process.stderr.write(line),
  ) {}

  /** The same logger with more fields on every line. */
  with(fields: LogFields): Logger {
    return new Logger({ ...this.base, ...fields }, this.level, this.write);
  }

  error(message: string, fields?: LogFields, cause?: unknown): void {
    this.line('error', message, fields, cause);
  }

  warn(message: string, fields?: LogFields, cause?: unknown): void {
    this.line('warn', message, fields, cause);
  }

  log(message: string, fields?: LogFields): void {
    this.line('log', message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.line('debug', message, fields);
  }

  private line(level: Level, message: string, fields?: LogFields, cause?: unknown): void {
    if (order.indexOf(level) > order.indexOf(this.level)) return;
    const failure = cause === undefined ? {} : { cause: describe(cause) };
    this.write(`${JSON.stringify({ level, timestamp: Date.now(), message, ...this.base, ...fields, ...failure })}\n`);
  }
}

function describe(cause: unknown): string {
  if (cause instanceof Error) return cause.stack ?? cause.message;
  return typeof cause === 'string' ? cause : JSON.stringify(cause);
}
