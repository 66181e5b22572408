/**
 * Loaded into every process of ours before its own code: ends it when the supervisor is gone, however that ended. The supervisor holds
 * the other end of standard input and never writes; the kernel closes it.
 */
const graceMs = 10_000;

process.stdin.on('error', () => undefined);
process.stdin.once('close', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs).unref();
  process.kill(process.pid, 'SIGTERM');
});
process.stdin.resume();
const { stdin } = process as { stdin: { unref?: () => void } };
stdin.unref?.();
