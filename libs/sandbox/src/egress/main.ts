/** The gateway's process, forked by the driver: takes orders and listeners from it, and ends with it. It keeps no privileges. */
import { Server } from 'node:net';
import { Logger } from '#libs/telemetry';
import { EgressGateway } from './gateway.js';
import { EgressOrder } from './messages.js';
import { Names } from './names.js';
import { EgressPolicy } from './policy.js';

const nobody = 65_534;
let gateway: EgressGateway | undefined;

if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
process.once('disconnect', () => process.exit(0));
// A signal to the whole group is for the driver, which ends us when its runs are over.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (message, handle) => obey(EgressOrder.parse(message), handle));
// A listener that came before there was anybody to take it would accept connections that nobody sees.
process.send?.('ready');

function obey(order: EgressOrder, handle: unknown): void {
  switch (order.op) {
    case 'begin': {
      const logger = new Logger({ process: `${order.name}.egress` }, order.logLevel);
      gateway = new EgressGateway({ policy: EgressPolicy.from(order.rules), names: new Names(order.nameServers), logger });
      return;
    }
    case 'serve':
      // The sandbox may have ended while its listener was on the way.
      return handle instanceof Server ? gateway?.serve(order.id, handle) : undefined;
    case 'name':
      return gateway?.name(order.id, order.namespace, order.action);
    case 'end':
      return gateway?.end(order.id);
  }
}
