import type { Offer } from '../actions/runtimes.js';
import { actionsPart } from './actions.js';
import { activationsPart } from './activations.js';
import { adobePart } from './adobe.js';
import { namespacesPart } from './namespaces.js';
import { operatorPart } from './operator.js';
import { packagesPart } from './packages.js';
import { sharedHeaders, sharedResponses } from './responses.js';
import { rulesPart } from './rules.js';
import { sharedSchemas } from './schema.js';
import { serverPart } from './server.js';
import { triggersPart } from './triggers.js';
import type { Document, Part } from './types.js';
import { webPart } from './web.js';

const description = `The API of Apache OpenWhisk, served by every region.

Any path below \`/api/v1\` that is no web action answers \`OPTIONS\` with \`OK\`. A method that is not described here is answered like a path
that nobody serves: 404 below \`/api/v1\`, 405 elsewhere.`;

/** What a document depends on. */
export interface DocumentOptions extends Offer {
  readonly version: string;
  /** Whether what operators ask is answered here. */
  readonly operatorRoutes: boolean;
}

/** The OpenAPI 3.1 document of what a controller answers. Throws where two parts claim one path or one schema. */
export function openApiDocument({ kinds, profile, version, operatorRoutes }: DocumentOptions): Document {
  const parts: readonly Part[] = [
    actionsPart({ kinds, profile }),
    packagesPart(profile),
    triggersPart(profile),
    rulesPart(profile),
    activationsPart(profile),
    namespacesPart,
    webPart,
    adobePart,
    serverPart,
    ...(operatorRoutes ? [operatorPart] : []),
  ];
  return {
    openapi: '3.1.0',
    info: { title: 'Isochrone', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    tags: parts.map(({ tag }) => tag),
    paths: joined(parts.map(({ paths }) => paths)),
    components: {
      schemas: joined([sharedSchemas, ...parts.map(({ schemas }) => schemas ?? {})]),
      responses: sharedResponses,
      headers: sharedHeaders,
      securitySchemes: {
        key: { type: 'http', scheme: 'basic', description: 'the key of a namespace, `UUID:SECRET`' },
        secret: { type: 'apiKey', in: 'header', name: 'X-Require-Whisk-Auth', description: 'the secret that a web action asks for' },
        ...(operatorRoutes ? { controller: { type: 'http', scheme: 'basic', description: 'the credentials of the controller' } } : {}),
      },
    },
  };
}

function joined<T>(records: readonly Readonly<Record<string, T>>[]): Record<string, T> {
  const entries = records.flatMap((record) => Object.entries(record));
  const all = Object.fromEntries(entries);
  const twice = entries.find(([key], at) => entries.findIndex(([other]) => other === key) !== at);
  if (twice) throw new Error(`two parts of the API's document claim ${twice[0]}`);
  return all;
}
