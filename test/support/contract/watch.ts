/** Stands between a client and a server, passes everything on as it is, and holds every answer against the server's own document. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { saveCoverage } from './contract.js';
import type { Report } from './watch-thread.js';

/** A server seen through a watch. */
export interface Watch {
  /** What a client is to be pointed at. */
  readonly url: string;
  /** What was seen so far. */
  report(): Promise<Report>;
  /** Ends it, and leaves what was seen for the last test of the run. */
  stop(): Promise<void>;
}

/** Watches a server; its document is read first. It has a thread of its own, so a test may wait for a client as it likes. */
export async function watch(base: string): Promise<Watch> {
  const thread = new Worker(new URL('watch-thread.js', import.meta.url), { workerData: base });
  const [port] = (await once(thread, 'message')) as [number];
  const report = async (): Promise<Report> => {
    const answer = once(thread, 'message') as Promise<[Report]>;
    thread.postMessage('report');
    return (await answer)[0];
  };
  return {
    url: `http://127.0.0.1:${port}`,
    report,
    stop: async () => {
      saveCoverage((await report()).coverage);
      await thread.terminate();
    },
  };
}
