import { Injectable } from '@nestjs/common';
import type { NamespaceId } from '#libs/domain';
import type { Answer, Manner } from '#libs/http';
import { WebActions, type Located } from '../web/web-actions.js';
import { headersOf } from '../web/web-arguments.js';
import type { WebAsk } from '../web/web-ask.js';
import { addressedBy } from './cache-rules.js';
import { ResponseCache } from './response-cache.js';

/** A request whose answer may be one that was given before. */
export interface CachedAsk {
  /** Whose address it is. */
  readonly tenant: NamespaceId;
  /** What was asked for, as received: path and query. */
  readonly address: string;
  /** Another one after every change of what the address leads to. */
  readonly version: string;
}

/**
 * Web actions behind a cache. An answer from it runs nothing and counts against nothing. It is of the very version of the action that would
 * run, and of the parameters that its package and binding give it: what is written anew, or the route, is asked anew, so that is how an
 * answer is withdrawn. Headers count as the action sees them, and those that say where the request was sent to always do.
 */
@Injectable()
export class CachedActions {
  private readonly cache = new ResponseCache();

  constructor(private readonly actions: WebActions) {}

  /** Answers a request, from memory where that is possible. `X-GW-Cache` tells. */
  async answer(ask: CachedAsk, request: WebAsk, located: Located, manner: Manner): Promise<Answer> {
    const headers = headersOf(request.raw.rawHeaders);
    const { version } = located.resolved;
    const address = JSON.stringify([ask.tenant, request.method, ask.address, ask.version, version, addressedBy(headers)]);
    const known = this.cache.find(address, headers);
    if (known) return marked(known, 'HIT');
    const answer = await this.actions.ask(request, located, manner);
    const { 'x-openwhisk-activation-id': _run, ...kept } = answer.headers;
    this.cache.keep(ask.tenant, address, headers, { ...answer, headers: kept });
    return marked(answer, 'MISS');
  }
}

function marked(answer: Answer, outcome: 'HIT' | 'MISS'): Answer {
  return { ...answer, headers: { ...answer.headers, 'x-gw-cache': outcome } };
}
