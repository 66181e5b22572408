import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Callers, type Identity } from '#libs/auth';
import { Failure, toJsonText, type Json } from '#libs/domain';
import {
  failureAnswer,
  jsonAnswer,
  parseBody,
  reportFailure,
  restManner,
  sendAnswer,
  toFailure,
  type Answer,
  type AnswerHeaders,
  type ExactJson,
} from '#libs/http';
import { Logger } from '#libs/telemetry';
import { readForwarding } from './destinations.js';
import { LogForwarding, type ShownForwarding } from './log-forwarding.js';

type Request = FastifyRequest<{ Params: { namespace: string } }>;

/** What is so of every destination but the platform itself: it is kept, and nothing is sent there yet. */
const notForwarded = 'Logs are not forwarded yet: they are kept with the records of activations.';

/** Tells that in a header, since documents have no room for it. */
const unsent: AnswerHeaders = { 'x-isochrone-state': 'not-forwarded' };

/**
 * Where a namespace's logs are to go, in the words of `aio` (Adobe I/O Runtime, log forwarding), which asks before it shows any. Other
 * destinations than the platform are kept and checked, and say that nothing is sent there yet.
 */
@Injectable()
export class LogForwardingRoutes {
  constructor(
    private readonly callers: Callers,
    private readonly forwarding: LogForwarding,
    private readonly logger: Logger,
  ) {}

  /** Adds the routes. */
  register(fastify: FastifyInstance): void {
    const base = '/runtime/namespaces/:namespace/logForwarding';
    const serve = (url: string, methods: Readonly<Record<string, (request: Request, identity: Identity) => Promise<Answer>>>): void => {
      fastify.all<{ Params: { namespace: string } }>(url, (request, reply) => this.handle(request, reply, methods));
    };
    serve(base, {
      GET: async (_request, { ns }) => settingsAnswer(await this.forwarding.read(ns)),
      PUT: (request, { ns }) => this.write(request, ns),
    });
    serve(`${base}/errors`, { GET: async (_request, { ns }) => errorsAnswer(await this.forwarding.read(ns)) });
  }

  private async handle(
    request: Request,
    reply: FastifyReply,
    methods: Readonly<Record<string, (request: Request, identity: Identity) => Promise<Answer>>>,
  ): Promise<void> {
    try {
      const { namespace } = request.params;
      const identity = await this.callers.authenticate(request.headers, namespace);
      if (namespace !== '_' && namespace !== identity.namespace) throw new Failure('forbidden-resource', { resource: namespace });
      const serve = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
      if (!serve) throw new Failure('no-method', { methods: Object.keys(methods).join(', ') });
      sendAnswer(reply, await serve(request, identity));
    } catch (thrown) {
      const failure = toFailure(thrown);
      reportFailure(this.logger, failure, request.id, thrown);
      sendAnswer(reply, failureAnswer(failure, restManner(request.id)));
    }
  }

  private async write(request: Request, ns: Identity['ns']): Promise<Answer> {
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
    const wanted = readForwarding(parseBody(body, (text) => JSON.parse(text) as ExactJson));
    await this.forwarding.write(ns, wanted);
    return settingsAnswer(wanted);
  }
}

/** Exactly one key: `aio` takes the first for the destination. */
function settingsAnswer({ destination, shown }: ShownForwarding): Answer {
  return jsonAnswer(200, toJsonText({ [destination]: { ...shown } } satisfies Json), destination === 'adobe_io_runtime' ? {} : unsent);
}

function errorsAnswer({ destination }: ShownForwarding): Answer {
  const errors = destination === 'adobe_io_runtime' ? [] : [notForwarded];
  return jsonAnswer(200, toJsonText({ configured_forwarder: destination, errors }), errors.length === 0 ? {} : unsent);
}
