import type { SandboxDriver } from '#libs/domain';
import { NativeDriver, type EgressOptions } from '#libs/sandbox';
import type { Logger } from '#libs/telemetry';
import type { InvokerOptions } from './options.js';

/** The driver of this invoker's sandboxes, connected to the spawner beside it; waits for a spawner that still comes up. */
export function openDriver({ spawner, frameToken, name }: InvokerOptions, egress: EgressOptions, logger: Logger): Promise<SandboxDriver> {
  return NativeDriver.connect({ spawner, token: frameToken, name, egress, logger });
}
