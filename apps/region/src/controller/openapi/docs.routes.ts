import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '#libs/domain';
import {
  emptyAnswer,
  failureAnswer,
  jsonType,
  reportFailure,
  restCors,
  restManner,
  sendAnswer,
  toFailure,
  withHeaders,
  type Answer,
} from '#libs/http';
import { Logger } from '#libs/telemetry';
import { buildVersion } from '../info/info.js';
import { rootAnswer } from '../info/root.routes.js';
import { RestRoutes } from '../rest/rest.routes.js';
import { Settings } from '../settings.js';
import { openApiDocument } from './document.js';
import { pageHeaders, pageParts, readPagePart, type PagePart } from './page.js';

/** Serves the API's document and a page to read it, to anyone; the page needs nothing from elsewhere. */
@Injectable()
export class DocsRoutes {
  private readonly document: Answer;

  constructor(
    private readonly rest: RestRoutes,
    private readonly logger: Logger,
    { profile, kinds, operator }: Settings,
  ) {
    const document = openApiDocument({ kinds, profile, version: buildVersion, operatorRoutes: operator.enabled });
    this.document = tagged({ status: 200, headers: {}, type: jsonType, body: JSON.stringify(document) });
  }

  /** Adds the routes. */
  register(fastify: FastifyInstance): void {
    const document = (): Promise<Answer> => Promise.resolve(this.document);
    const page = async (): Promise<Answer> => tagged({ ...(await readPagePart('index.html')), headers: pageHeaders });
    for (const [urls, read] of [
      [['/api-docs', '/api-docs/'], document],
      [['/docs', '/docs/', '/docs/index.html'], page],
    ] as const) {
      for (const url of urls) {
        fastify.all(url, (request, reply) => this.serve(request, reply, read));
        fastify.all(`/api/v1${url}`, (request, reply) =>
          request.method === 'GET' ? this.serve(request, reply, read) : this.rest.handle(request, reply),
        );
      }
    }
    for (const part of pageParts) {
      fastify.all(`/docs/${part}`, (request, reply) => this.serve(request, reply, () => this.part(part)));
    }
  }

  private async part(part: PagePart): Promise<Answer> {
    return tagged({ ...(await readPagePart(part)), headers: { 'x-content-type-options': 'nosniff' } });
  }

  private async serve(request: FastifyRequest, reply: FastifyReply, read: () => Promise<Answer>): Promise<void> {
    try {
      const found = request.method === 'GET' ? await read() : emptyAnswer(200);
      sendAnswer(
        reply,
        rootAnswer(request, () => withHeaders(fresh(found, request.headers['if-none-match']), restCors)),
      );
    } catch (thrown) {
      const failure =
        thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT' ? new Failure('not-found') : toFailure(thrown);
      reportFailure(this.logger, failure, request.id, thrown);
      sendAnswer(reply, failureAnswer(failure, restManner(request.id)));
    }
  }
}

/** An answer that caches may keep, and ask about by its tag. */
function tagged(answer: Answer): Answer {
  const etag = `"${createHash('sha256')
    .update(answer.body ?? '')
    .digest('base64url')
    .slice(0, 27)}"`;
  return { ...answer, headers: { ...answer.headers, etag, 'cache-control': 'public, max-age=300' } };
}

/** The answer, or that it is the one which the caller has. */
function fresh(answer: Answer, known: string | undefined): Answer {
  const tags = known?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(String(answer.headers['etag'])) ? emptyAnswer(304, answer.headers) : answer;
}
