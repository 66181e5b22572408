import { Injectable } from '@nestjs/common';
import { effectiveRates, type Identity } from '#libs/auth';
import { Failure, toJsonText, type Json, type LimitProfile } from '#libs/domain';
import { jsonAnswer } from '#libs/http';
import { ownNamespace, type Routes } from '../rest/call.js';
import { Settings } from '../settings.js';

/** The effective limits of a namespace. */
@Injectable()
export class Limits {
  readonly routes: Routes = {
    collection: {
      GET: async (call) => {
        ownNamespace(call);
        return jsonAnswer(200, toJsonText(limitsOf(call.identity, this.settings.profile)));
      },
    },
    entity: {
      GET: async () => {
        throw new Failure('bad-name', { reason: 'Inner entity level routes for limits are not yet implemented.' });
      },
    },
  };

  constructor(private readonly settings: Settings) {}
}

/** The limits document: what the namespace has of its own, and the profile's values for the rest. */
export function limitsOf(identity: Pick<Identity, 'limits'>, profile: LimitProfile): Json {
  const rates = effectiveRates(identity, profile);
  const { allowedKinds, storeActivations } = identity.limits;
  return {
    ...rates,
    ...(allowedKinds === undefined ? {} : { allowedKinds }),
    ...(storeActivations === undefined ? {} : { storeActivations }),
    minActionMemory: profile.memory.min,
    maxActionMemory: profile.memory.max,
    minActionLogs: profile.logs.min,
    maxActionLogs: profile.logs.max,
    minActionTimeout: profile.timeout.min,
    maxActionTimeout: profile.timeout.max,
    minActionConcurrency: profile.concurrency.min,
    maxActionConcurrency: profile.concurrency.max,
    maxParameterSize: `${profile.parametersBytes} B`,
    maxActionInstances: rates.concurrentInvocations,
  };
}
