import { Injectable } from '@nestjs/common';
import { systemNamespace, toJsonText, type ActivationRecord, type JsonText, type Outcome, type RunOrder } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { AlarmFeed } from '../../controller/alarms/alarm-feed.js';
import { ApiManagement } from '../../controller/gateway/api-management.js';
import { Settings } from '../../controller/settings.js';
import { buildRecord, noLogs } from '../../invoker/record.js';

/** Runs actions that are the region's own work: no sandbox is needed, and the record is like that of any run. */
@Injectable()
export class Natives {
  constructor(
    private readonly alarms: AlarmFeed,
    private readonly apis: ApiManagement,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /** Runs an order to its end; never rejects for what happens on the way. */
  async run(order: RunOrder, args: Uint8Array, attempt: number): Promise<ActivationRecord> {
    const startMs = Date.now();
    const outcome = await this.outcome(order, args);
    const endMs = Date.now();
    const { region, profile } = this.settings;
    const times = { startMs, endMs, runMs: endMs - startMs };
    return buildRecord({
      order,
      region: region.id,
      attempt,
      outcome,
      start: 'none',
      ...times,
      logs: noLogs,
      resultBytes: profile.resultBytes,
    });
  }

  private async result(order: RunOrder, args: Uint8Array): Promise<JsonText> {
    if (order.action.fqn.startsWith(`${systemNamespace.name}/apimgmt/`)) return this.apis.run(order, args);
    return toJsonText(await this.alarms.run(order, args));
  }

  private async outcome(order: RunOrder, args: Uint8Array): Promise<Outcome> {
    try {
      const body = await this.result(order, args);
      return { kind: 'answered', phase: 'run', ok: true, body, bytes: Buffer.byteLength(body) };
    } catch (cause) {
      const { activationId, transid } = order;
      this.logger.warn('an action of the region itself failed', { activationId, transid }, cause);
      return { kind: 'internal', text: 'There was an internal server error.' };
    }
  }
}
