import { Injectable } from '@nestjs/common';
import { Identities, Throttles, Tokens, type Admission, type Identity } from '#libs/auth';
import { annotation, Failure, jsonObject, truthy, type Transid } from '#libs/domain';
import { emptyAnswer, errorAnswer, type Answer, type Manner } from '#libs/http';
import { bearsToken, requiresToken } from '../adobe/adobe-auth.js';
import { Resolver, type ResolvedAction } from '../definitions/resolver.js';
import { activationHeader } from '../invocations/invoke-answer.js';
import { Invocations } from '../invocations/invocations.js';
import { checkProtected, checkRequestSize } from '../invocations/payload.js';
import { Settings } from '../settings.js';
import { transcode } from './transcode.js';
import { rawArguments, reservedNames, webArguments, type WebRequest } from './web-arguments.js';
import { bodyOf, type WebAsk } from './web-ask.js';
import { satisfies } from './web-auth.js';
import type { WebTarget } from './web-target.js';

/** What a web action is asked, once it is known that there is one. */
export interface Located {
  readonly target: WebTarget;
  readonly query: string;
  readonly owner: Identity;
  readonly resolved: ResolvedAction;
  /** Whether the action answers OPTIONS itself and sees to CORS. */
  readonly custom: boolean;
}

/** The same, for a request that was counted. */
export interface Found extends Located {
  /** `serve` sees to its end. */
  readonly admission: Admission;
}

/** Web actions: whether there is one, whether it may be asked, and what it answers. */
@Injectable()
export class WebActions {
  constructor(
    private readonly identities: Identities,
    private readonly resolver: Resolver,
    private readonly throttles: Throttles,
    private readonly invocations: Invocations,
    private readonly tokens: Tokens,
    private readonly settings: Settings,
  ) {}

  /** Everything that does not depend on the caller: the namespace, the action, that it is exported, rates and size. */
  async find(request: WebAsk, target: WebTarget, query: string): Promise<Found> {
    return this.admit(request, await this.locate(target, query));
  }

  /** The action, if there is one and it is exported. */
  async locate(target: WebTarget, query: string): Promise<Located> {
    const { namespace, pkg, name } = target;
    const owner = await this.identities.byNamespace(namespace);
    if (!owner) throw new Failure('not-found');
    const resolved = await this.resolver.action(owner, { namespace, pkg, name }, 'cached').catch(asMissing);
    if (annotation(resolved.action, 'web-export') !== 'true') throw new Failure('not-found');
    return { target, query, owner, resolved, custom: annotation(resolved.action, 'web-custom-options') === 'true' };
  }

  /** Counts a request and serves it. */
  async ask(request: WebAsk, located: Located, manner: Manner): Promise<Answer> {
    return this.serve(request, await this.admit(request, located), manner);
  }

  private async admit(request: WebAsk, located: Located): Promise<Found> {
    const admission = await this.throttles.admit(located.owner, Date.now());
    try {
      checkRequestSize(request.headers['content-length'], bodyOf(request), this.settings.profileOf(located.owner));
    } catch (refused) {
      admission.release();
      throw refused;
    }
    return { ...located, admission };
  }

  /** What the action answers, or what stands in its way: credentials, a broken body, reserved names. */
  async serve(request: WebAsk, found: Found, manner: Manner): Promise<Answer> {
    try {
      return await this.admitted(request, found, manner);
    } finally {
      found.admission.release();
    }
  }

  private async admitted(request: WebAsk, found: Found, manner: Manner): Promise<Answer> {
    const { target, query, owner, resolved, custom, admission } = found;
    const { action } = resolved;
    if (request.method === 'OPTIONS' && !custom) return emptyAnswer(200);
    const caller = await this.identities.recognise(request.headers.authorization);
    const secret = request.headers['x-require-whisk-auth'];
    const proof = { authenticated: caller !== undefined, secret: typeof secret === 'string' ? secret : undefined };
    if (request.method !== 'OPTIONS' && !satisfies(action, proof)) throw new Failure('web-auth');
    if (request.method !== 'OPTIONS' && requiresToken(action) && !(await bearsToken(this.tokens, request.headers)))
      throw new Failure('web-auth');
    const asked: WebRequest = {
      method: request.method,
      path: target.path,
      query,
      rawHeaders: request.raw.rawHeaders,
      body: bodyOf(request),
      user: caller?.namespace,
    };
    const raw = annotation(action, 'raw-http') === 'true';
    const { members, chosen } = raw ? rawArguments(asked) : webArguments(asked);
    if (!raw) checkProtected(truthy(action, 'final', false), resolved.parameters, chosen, reservedNames);
    const payload = { keys: new Set(members.keys()), body: Buffer.from(jsonObject(members)) };
    const wanted = {
      identity: owner,
      resolved,
      payload,
      checked: true,
      transid: request.id as Transid,
      waitMs: this.settings.profile.blockingWaitMs,
      admission,
    };
    const { activationId, record } = await this.invocations.invoke(wanted);
    const headers = activationHeader(activationId);
    if (!record) return errorAnswer(202, 'Response not yet ready.', manner, headers);
    const told = transcode(record.response, target.extension);
    return 'error' in told ? errorAnswer(told.status, told.error, manner, headers) : { ...told, headers: { ...told.headers, ...headers } };
  }
}

/** Whatever else bears the name, there is no such web action. */
function asMissing(thrown: unknown): never {
  throw thrown instanceof Failure && thrown.code === 'other-collection' ? new Failure('not-found') : thrown;
}
