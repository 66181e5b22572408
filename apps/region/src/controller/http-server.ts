import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RegionConfig } from '#libs/config';
import { Failure } from '#libs/domain';
import { createHttpAdapter, FailureFilter } from '#libs/http';
import { RegionEventsServer } from '#libs/messaging';
import { Logger } from '#libs/telemetry';
import { AuditTrail } from './admin/audit-trail.js';
import { AuditLogRoutes } from './adobe/audit-log.routes.js';
import { GatewayRoutes } from './gateway/gateway.routes.js';
import { RootRoutes } from './info/root.routes.js';
import { Lifecycle } from './lifecycle.js';
import { LogForwardingRoutes } from './log-forwarding/log-forwarding.routes.js';
import { DocsRoutes } from './openapi/docs.routes.js';
import { OperatorRoutes } from './operator/operator.routes.js';
import { RestRoutes } from './rest/rest.routes.js';
import { WebRoutes } from './web/web.routes.js';

/** The HTTP server of a controller; every answer names the region. */
export function httpAdapter(config: RegionConfig): FastifyAdapter {
  const domain = { name: config.ISOCHRONE_DOMAIN, redirects: config.ISOCHRONE_DOMAIN_REDIRECT === 'on' };
  return createHttpAdapter({ 'x-isochrone-region': config.ISOCHRONE_REGION }, domain);
}

/** Adds routes, failure envelope and region events to an application that has not been started, and starts hearing the events. */
export async function configureHttp(app: NestFastifyApplication): Promise<void> {
  const logger = app.get(Logger);
  const lifecycle = app.get(Lifecycle);
  const fastify = app.getHttpAdapter().getInstance();
  app.useGlobalFilters(new FailureFilter(logger));
  app.useGlobalPipes(new StandardSchemaValidationPipe({ exceptionFactory: badRequest }));
  fastify.addHook('onRequest', (_request, reply, done) => {
    reply.raw.once('close', lifecycle.begin());
    if (lifecycle.stopping) reply.header('connection', 'close');
    done();
  });
  app.get(AuditTrail).register(fastify);
  for (const routes of [RootRoutes, RestRoutes, WebRoutes, GatewayRoutes, LogForwardingRoutes, AuditLogRoutes, DocsRoutes, OperatorRoutes])
    app.get<{ register(instance: typeof fastify): void }>(routes).register(fastify);
  app.connectMicroservice({ strategy: app.get(RegionEventsServer) });
  await app.startAllMicroservices();
}

function badRequest(issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[]): Failure {
  const reason = issues
    .map(({ message, path }) => [path?.map((part) => String(part)).join('.'), message].filter(Boolean).join(': '))
    .join('; ');
  return new Failure('bad-request', { reason });
}
