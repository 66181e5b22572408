import { Injectable } from '@nestjs/common';
import { Throttles, type Admission } from '#libs/auth';
import { readPayload, type Answer } from '#libs/http';
import { Resolver } from '../definitions/resolver.js';
import { forbidden, namespaceOf, type EntityCall } from '../rest/call.js';
import { Settings } from '../settings.js';
import { Invocations } from './invocations.js';
import { invokeAnswer } from './invoke-answer.js';
import { readInvokeQuery } from './invoke-query.js';
import { checkRequestSize } from './payload.js';

/** `POST` on an action. */
@Injectable()
export class Invoke {
  constructor(
    private readonly resolver: Resolver,
    private readonly invocations: Invocations,
    private readonly throttles: Throttles,
    private readonly settings: Settings,
  ) {}

  /** Invokes an action. The order of the checks is OpenWhisk's: rates count before anybody looks whether there is such an action. */
  async invoke(call: EntityCall): Promise<Answer> {
    const admission = await this.throttles.admit(call.identity, Date.now());
    try {
      return await this.admitted(call, admission);
    } finally {
      admission.release();
    }
  }

  private async admitted(call: EntityCall, admission: Admission): Promise<Answer> {
    const { identity, target, transid, headers, body } = call;
    const profile = this.settings.profileOf(identity);
    const place = { namespace: namespaceOf(call), pkg: target.pkg, name: target.name };
    if (place.pkg === undefined && place.namespace !== identity.namespace) throw forbidden(place.namespace, place.name);
    const found = this.resolver.action(identity, place, 'cached');
    found.catch(() => undefined);
    checkRequestSize(headers['content-length'], body, profile);
    const query = readInvokeQuery(call.query, profile);
    const payload = readPayload(headers['content-type'], body);
    const resolved = await found;
    const keys = new Set(Object.keys(payload));
    const wanted = { identity, resolved, payload: { keys, body }, transid, waitMs: query.waitMs, admission };
    return invokeAnswer(await this.invocations.invoke(wanted), query, profile, transid);
  }
}
