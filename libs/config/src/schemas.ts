import { egressPorts, isKind, limitProfiles, nodeKinds, type LimitProfileName } from '#libs/domain';
import { z } from 'zod';
import { domainName, list, port, secureUrl } from './read.js';

/** What every process of a world reads. */
const Common = z.object({
  /** Path of world.json. */
  ISOCHRONE_WORLD: z.string().min(1),
  ISOCHRONE_LOG_LEVEL: z.enum(['error', 'warn', 'log', 'debug']).default('log'),
  /** Profile: `local` has the well-known guest key and trusts loopback proxies; `cluster` has neither. */
  ISOCHRONE_PROFILE: z.enum(['local', 'compose', 'cluster']).default('cluster'),
  /** Whether `/invokers`, `/activation` and `/disable` are answered, which tell anyone how much runs here. By default in profile `local` alone. */
  ISOCHRONE_OPERATOR_ROUTES: z.enum(['on', 'off']).optional(),
  /** The domain whose subdomains are the hosts of namespaces, such as `example.net`; without it no host names one. */
  ISOCHRONE_DOMAIN: domainName.optional(),
});

/** Whether a process answers, or passes on, what operators of OpenWhisk ask of a controller. */
export function operatorRoutesEnabled({
  ISOCHRONE_OPERATOR_ROUTES: wanted,
  ISOCHRONE_PROFILE: profile,
}: Pick<z.infer<typeof Common>, 'ISOCHRONE_OPERATOR_ROUTES' | 'ISOCHRONE_PROFILE'>): boolean {
  return (wanted ?? (profile === 'local' ? 'on' : 'off')) === 'on';
}

/** What every process of a region reads. */
const InRegion = Common.extend({
  /** The region this process belongs to. */
  ISOCHRONE_REGION: z.string().min(1),
  /** postgres:// URL of the region's database. */
  ISOCHRONE_DATABASE_URL: z.string().startsWith('postgres'),
  /** `file:/folder` or `s3://bucket/prefix?endpoint=http://host:port&region=r&pathStyle=true`. */
  ISOCHRONE_BLOBS: z.string().regex(/^(file:\/|s3:\/\/)/),
  ISOCHRONE_S3_ACCESS_KEY: z.string().optional(),
  ISOCHRONE_S3_SECRET_KEY: z.string().optional(),
  /** Path of the region's X25519 private key (PKCS#8 PEM), which unwraps namespace keys. */
  ISOCHRONE_REGION_KEY: z.string().min(1),
  /** The queue of record. */
  ISOCHRONE_QUEUE: z.enum(['postgres', 'kafka']).default('postgres'),
  ISOCHRONE_KAFKA_BROKERS: list.default([]),
  /** Prefix of every topic, so that regions and test runs can share a broker. */
  ISOCHRONE_KAFKA_PREFIX: z
    .string()
    .regex(/^[a-zA-Z0-9._-]*$/)
    .default(''),
  ISOCHRONE_KAFKA_REPLICATION: z.coerce.number().int().min(1).default(1),
});

/** Who may use the administrative API. */
const Operators = {
  /** Bearer token of the first operator. */
  ISOCHRONE_ADMIN_TOKEN: z.string().min(16),
  /** Tokens of others, as `name:token` entries: the name stands in the log of administrative calls. */
  ISOCHRONE_ADMIN_TOKENS: list
    .pipe(z.array(z.string().regex(/^[\w.@-]{1,64}:\S{16,}$/, 'an entry is name:token, the token of 16 characters or more')))
    .default([]),
};

const profileNames = Object.keys(limitProfiles) as [LimitProfileName, ...LimitProfileName[]];

/** The regional app: controller, kafka and invoker modules, as `ISOCHRONE_ROLES` picks. */
export const RegionEnv = InRegion.extend({
  ISOCHRONE_ROLES: list.pipe(z.array(z.enum(['controller', 'kafka', 'invoker'])).min(1)).default(['controller', 'kafka', 'invoker']),
  /** Name of this process among its like, such as `controller-0`; never two at once with the same name in a region. */
  ISOCHRONE_NAME: z.string().min(1).default('region-0'),
  ISOCHRONE_LIMITS: z.enum(profileNames).default('seed'),
  /** Kinds of runtimes that actions may have, such as `nodejs:20,nodejs:22,python:3`: what the region's spawners can bring. */
  ISOCHRONE_KINDS: list.pipe(z.array(z.string().refine(isKind, 'no kind of runtime')).min(1)).default([...nodeKinds]),
  /** Where the controller's REST API listens. */
  ISOCHRONE_HOST: z.string().default('127.0.0.1'),
  ISOCHRONE_PORT: port.default(3241),
  /** Public URL for `__OW_API_HOST`: the router's. */
  ISOCHRONE_API_HOST: z.string().default('http://127.0.0.1:3233'),
  /** Whether browsers that ask the bare domain for a web action or an API are sent to the namespace's host, with a 308. */
  ISOCHRONE_DOMAIN_REDIRECT: z.enum(['on', 'off']).default('off'),
  /** OpenID Connect issuer whose access tokens are believed, as its tokens spell it; without it no token is. */
  ISOCHRONE_OIDC_ISSUER: secureUrl.optional(),
  /** What such a token must name as its audience. */
  ISOCHRONE_OIDC_AUDIENCE: z.string().min(1).optional(),
  /** Where the issuer's keys are; found by its discovery document where this is not given. */
  ISOCHRONE_OIDC_JWKS: secureUrl.optional(),
  /** The claim that lists the namespaces a token may act in. */
  ISOCHRONE_OIDC_NAMESPACES_CLAIM: z.string().min(1).default('namespaces'),
  /** The claim that lists organisations; where it is named, `require-adobe-auth` asks for one of them in `x-gw-ims-org-id`. */
  ISOCHRONE_OIDC_ORGS_CLAIM: z.string().min(1).optional(),
  /** A bearer token that may act in every namespace of a world on one machine. */
  ISOCHRONE_DEV_TOKEN: z.string().min(16).optional(),
  /** What action code finds in `AIO_STATE_ENDPOINT`: without it Adobe's State library looks for an address that only Adobe has. */
  ISOCHRONE_STATE_ENDPOINT: z.url().optional(),
  /** What action code finds in `__OW_CLOUD`. */
  ISOCHRONE_CLOUD: z.string().min(1).default('aws'),
  /** Addresses and CIDR ranges whose X-Forwarded-For is believed. */
  ISOCHRONE_TRUSTED_PROXIES: list.default([]),
  /** Framed addresses of the region's invokers, for the controller and kafka roles. */
  ISOCHRONE_INVOKERS: list.default([]),
  /** Where the invoker role listens for frames: `unix:/path` or `tcp:host:port`. */
  ISOCHRONE_INVOKER_LISTEN: z.string().optional(),
  /** Shared by controllers and invokers of a region; opens a framed connection. */
  ISOCHRONE_FRAME_TOKEN: z.string().min(16),
  /** Framed address of the spawner, for the invoker role. */
  ISOCHRONE_SPAWNER: z.string().optional(),
  /** Folder of the invoker's journal of finished records. */
  ISOCHRONE_JOURNAL: z.string().optional(),
  /** How long an invoker that is told to stop lets runs go on, ms; what runs then is recorded as lost. Give it some seconds more to exit. */
  ISOCHRONE_DRAIN_MS: z.coerce.number().int().min(0).default(25_000),
  /** Memory for sandboxes, MiB. */
  ISOCHRONE_USER_MEMORY_MIB: z.coerce.number().int().min(256).default(4096),
  /** Stem cells to keep, as `MiB:count` entries. */
  ISOCHRONE_STEMS: list.default(['256:2']),
  /** What isolated actions may reach besides this world's API: public addresses on `ISOCHRONE_EGRESS_PORTS`, on any port, or none. */
  ISOCHRONE_EGRESS: z.enum(['listed', 'open', 'none']).default('listed'),
  ISOCHRONE_EGRESS_PORTS: list.default([...egressPorts]),
  /** Reachable in every mode, even where it is private: `address`, `address/bits`, `name` or `*.name`, with or without `:port`. */
  ISOCHRONE_EGRESS_ALLOW: list.default([]),
  /** Name servers for actions, as `address` or `address:port`; the machine's own where empty. */
  ISOCHRONE_EGRESS_DNS: list.default([]),
  /** Whether timetables of alarms are limited to full minutes, as OpenWhisk's alarms provider can be told to. */
  ISOCHRONE_ALARM_FULL_MINUTES: z.stringbool().default(false),
  /** How long a region is out of reach until another one makes its alarms go off, ms. */
  ISOCHRONE_ALARM_TAKEOVER_MS: z.coerce.number().int().min(1000).default(30_000),
  ...Operators,
  /** Days for which the log of administrative calls is kept. */
  ISOCHRONE_AUDIT_DAYS: z.coerce.number().int().min(1).default(365),
  /** Basic credentials of `POST /disable`; without both, nobody may. */
  ISOCHRONE_CONTROLLER_USERNAME: z.string().min(1).optional(),
  ISOCHRONE_CONTROLLER_PASSWORD: z.string().min(16).optional(),
})
  .refine(({ ISOCHRONE_OIDC_ISSUER: issuer, ISOCHRONE_OIDC_AUDIENCE: audience }) => (issuer === undefined) === (audience === undefined), {
    message: 'an issuer needs an audience and an audience an issuer: a token for somebody else must not open this door',
    path: ['ISOCHRONE_OIDC_AUDIENCE'],
  })
  .refine(({ ISOCHRONE_DEV_TOKEN: token, ISOCHRONE_PROFILE: profile }) => token === undefined || profile === 'local', {
    message: 'a token for every namespace is for profile local alone',
    path: ['ISOCHRONE_DEV_TOKEN'],
  });
export type RegionConfig = z.infer<typeof RegionEnv>;

/** The replication service of one region. */
export const ReplicationEnv = InRegion.extend({
  ISOCHRONE_HOST: z.string().default('127.0.0.1'),
  ISOCHRONE_PORT: port.default(0),
  /** PEM files of this region's certificate, its key, and the world's authority: peers authenticate each other by them. */
  ISOCHRONE_TLS_CERT: z.string().min(1),
  ISOCHRONE_TLS_KEY: z.string().min(1),
  ISOCHRONE_TLS_CA: z.string().min(1),
});
export type ReplicationConfig = z.infer<typeof ReplicationEnv>;

/** The global router. */
export const RouterEnv = Common.extend({
  ISOCHRONE_HOST: z.string().default('127.0.0.1'),
  ISOCHRONE_PORT: port.default(3233),
  /** Addresses and CIDR ranges whose X-Forwarded-For is believed; in profile `local` loopback is one. */
  ISOCHRONE_TRUSTED_PROXIES: list.default([]),
  ...Operators,
  /** After SIGTERM: how long readiness is red while the door is still open, so that whoever balances load can look away. */
  ISOCHRONE_DRAIN_NOTICE_MS: z.coerce.number().int().min(0).default(1500),
  /** After the door is shut: how long requests in flight may take before they are cut. */
  ISOCHRONE_DRAIN_MS: z.coerce.number().int().min(0).default(70_000),
});
export type RouterConfig = z.infer<typeof RouterEnv>;

/** The spawner: the only process that starts sandboxes. */
export const SpawnerEnv = z.object({
  ISOCHRONE_SPAWNER_LISTEN: z.string().min(1),
  /** Folder for slots and runtime roots; every user must be able to reach it (no parent of mode 700). */
  ISOCHRONE_SANDBOX_DIR: z.string().min(1),
  /** Folder of runtimes that were brought from the npm registry, shared by the spawners of a machine; inside the sandbox folder where not given. */
  ISOCHRONE_RUNTIMES_DIR: z.string().min(1).optional(),
  /** `auto` isolates where this machine can and warns where it cannot; `native` fails where it cannot; `process` never isolates. */
  ISOCHRONE_SANDBOX: z.enum(['auto', 'native', 'process']).default('auto'),
  ISOCHRONE_FRAME_TOKEN: z.string().min(16),
  /** First of the user ids that sandboxes run as, when the spawner is root: one per slot. */
  ISOCHRONE_SANDBOX_UID: z.coerce.number().int().min(1000).default(200_000),
  /** Processes and threads that one sandbox may have. */
  ISOCHRONE_SANDBOX_PIDS: z.coerce.number().int().min(16).default(64),
  ISOCHRONE_LOG_LEVEL: z.enum(['error', 'warn', 'log', 'debug']).default('log'),
});
export type SpawnerConfig = z.infer<typeof SpawnerEnv>;
