import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { toJsonText, type Json } from '#libs/domain';
import { jsonAnswer, restCors, type Answer } from '#libs/http';
import { runtimesOf, type Offer } from '../actions/runtimes.js';
import { Settings } from '../settings.js';

const MiB = 1024 * 1024;

/** The version of what is served here. */
export const buildVersion = '0.1.0';

/** When this program was built. OpenWhisk's `build` is a date too, and clients tell by it whether they were answered. */
const built = statSync(fileURLToPath(import.meta.url)).mtime.toISOString();

/** The documents that tell what this server is, to anyone. */
@Injectable()
export class Info {
  constructor(private readonly settings: Settings) {}

  /** `GET /`. */
  server(): Answer {
    return jsonAnswer(200, toJsonText(serverInfo(this.settings)));
  }

  /** `GET /api/v1`. */
  api(): Answer {
    const body = {
      description: 'OpenWhisk API',
      api_version: '1.0.0',
      api_version_path: 'v1',
      build: built,
      buildno: buildVersion,
      swagger_paths: { ui: '/docs', 'api-docs': '/api-docs' },
    };
    return jsonAnswer(200, toJsonText(body), restCors);
  }
}

/** The info document of a profile; memory and logs in bytes, durations in ms. */
export function serverInfo(offer: Offer): Json {
  const { profile } = offer;
  const bounds = {
    min_action_duration: profile.timeout.min,
    max_action_duration: profile.timeout.max,
    min_action_memory: profile.memory.min * MiB,
    max_action_memory: profile.memory.max * MiB,
    min_action_logs: profile.logs.min * MiB,
    max_action_logs: profile.logs.max * MiB,
  };
  const defaults = Object.fromEntries(Object.entries(bounds).map(([name, value]) => [`default_${name}`, value]));
  return {
    description: 'OpenWhisk',
    support: { github: 'https://github.com/apache/openwhisk/issues', slack: 'http://slack.openwhisk.org' },
    api_paths: ['/api/v1'],
    limits: {
      actions_per_minute: profile.invocationsPerMinute,
      triggers_per_minute: profile.firesPerMinute,
      concurrent_actions: profile.concurrentInvocations,
      sequence_length: profile.sequenceLength,
      ...defaults,
      ...bounds,
    },
    runtimes: runtimesOf(offer) as unknown as Json,
  };
}
