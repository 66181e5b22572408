import { Injectable } from '@nestjs/common';
import type { Identity } from '#libs/auth';
import { bytesOf, Failure, toJsonText, type Json, type LimitProfile } from '#libs/domain';
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
        return jsonAnswer(200, toJsonText(limitsOf(call.identity, this.settings.profileOf(call.identity))));
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

/** The limits document: the profile as it holds for the namespace, and what no profile has where the namespace has it. */
export function limitsOf({ limits }: Pick<Identity, 'limits'>, profile: LimitProfile): Json {
  const { allowedKinds, storeActivations, truncationSize } = limits;
  // What holds, where that is less than was given.
  const given = limits.maxPayloadSize;
  const maxPayloadSize = given === undefined || bytesOf(given) === profile.payloadBytes ? given : `${profile.payloadBytes} B`;
  const own = Object.entries({ allowedKinds, storeActivations, maxPayloadSize, truncationSize }).filter(([, value]) => value !== undefined);
  return {
    invocationsPerMinute: profile.invocationsPerMinute,
    firesPerMinute: profile.firesPerMinute,
    concurrentInvocations: profile.concurrentInvocations,
    ...Object.fromEntries(own as [string, Json][]),
    minActionMemory: profile.memory.min,
    maxActionMemory: profile.memory.max,
    minActionLogs: profile.logs.min,
    maxActionLogs: profile.logs.max,
    minActionTimeout: profile.timeout.min,
    maxActionTimeout: profile.timeout.max,
    minActionConcurrency: profile.concurrency.min,
    maxActionConcurrency: profile.concurrency.max,
    maxParameterSize: `${profile.parametersBytes} B`,
    maxActionInstances: profile.concurrentInvocations,
  };
}
