/** What a process of a world is for, in the order in which they end. */
export const roles = ['router', 'controller', 'invoker', 'replication', 'spawner', 'kafka', 'postgres'] as const;
export type Role = (typeof roles)[number];

/** What is known of a process. */
export interface ProcessStatus {
  /** Unique in the world: `router`, `eu-west-1.controller`. */
  readonly name: string;
  readonly role: Role;
  readonly region?: string;
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped';
  readonly pid?: number;
  readonly restarts: number;
  readonly sinceMs: number;
}

/** A process that runs now, as the next start will recognise it. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly startedAt: string;
  /** A part of its command line. */
  readonly file: string;
}

/** One process under supervision: it runs for as long as it is wanted, whatever becomes of it. */
export interface Unit {
  readonly running: Running | undefined;
  status(): ProcessStatus;
  /** Starts it and resolves when it does its work. Throws one line when it cannot. */
  start(): Promise<void>;
  /** Asks it to end, waits, and makes it. */
  stop(): Promise<void>;
  /** Ends it as a power cut would; it stays down until it is started. */
  kill(): Promise<void>;
}
