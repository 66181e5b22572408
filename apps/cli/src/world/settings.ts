import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { domainName } from '#libs/config';
import { z } from 'zod';
import { Refusal } from '../refusal.js';
import type { DataFolder } from './folder.js';

const Secret = z.string().min(16);
const Port = z.number().int().min(1).max(65_535);

/**
 * Key of a well-known namespace, how it is wrapped for each region, and the namespace's auth key sealed with it (base64). Kept, because both are
 * random: regions must write the same bytes. `generation` counts the sets of wraps.
 */
const NamespaceSecretsSchema = z.object({
  namespaceKey: Secret,
  generation: z.number().int().min(0),
  wraps: z.record(z.string(), z.string()),
  sealedKey: z.string(),
});
export type NamespaceSecrets = z.infer<typeof NamespaceSecretsSchema>;

const SettingsSchema = z.object({
  /** Where the databases and sandboxes live when not in the data folder itself, as chosen at the first start. */
  outside: z.string().optional(),
  /** Regions whose database was made: one that is gone since is a loss, not a beginning. */
  begun: z.array(z.string()).default([]),
  /** Names this world among all that ever stood in this folder. */
  id: z.uuid(),
  createdAtMs: z.number().int().min(0),
  /** Where the router listened last. */
  port: Port,
  /** The regions that run, in the order of their ports. */
  regions: z.array(z.string().min(1)),
  /** Codes of all regions that ever were: one is given once and never again. Keyed by region id. */
  codes: z.record(z.string(), z.number().int().min(1).max(255)),
  /** Ports on loopback of everything but the router and the regions' REST API, keyed by `<region>.<what>`. */
  ports: z.record(z.string(), Port),
  adminToken: Secret,
  /** The bearer token that may act in every namespace. */
  devToken: Secret.default(newToken),
  /** The domain of namespace hosts, as chosen last. */
  domain: domainName.optional(),
  databasePassword: Secret,
  /** Keyed by region id. */
  frameTokens: z.record(z.string(), Secret),
  guest: NamespaceSecretsSchema,
  /** Of the namespace of the packages for everybody; a world of an earlier release gets it at its next start. */
  system: NamespaceSecretsSchema.default(newNamespaceSecrets),
});

/** What a world on one machine remembers from start to start. */
export type Settings = z.infer<typeof SettingsSchema>;

/** A new world's settings. */
export function newSettings(nowMs: number): Settings {
  return {
    id: randomUUID(),
    createdAtMs: nowMs,
    port: 3233,
    regions: [],
    codes: {},
    ports: {},
    begun: [],
    adminToken: newToken(),
    devToken: newToken(),
    databasePassword: newToken(),
    frameTokens: {},
    guest: newNamespaceSecrets(),
    system: newNamespaceSecrets(),
  };
}

function newNamespaceSecrets(): NamespaceSecrets {
  return { namespaceKey: randomBytes(32).toString('base64'), generation: 0, wraps: {}, sealedKey: '' };
}

/** A secret nobody guesses. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** The settings of a folder, or undefined where no world was made there yet. Throws one line when they cannot be understood. */
export function readSettings(folder: DataFolder): Settings | undefined {
  if (!existsSync(folder.settings)) {
    if (existsSync(folder.world)) throw corrupt(folder.settings, 'it is missing beside world.json');
    return undefined;
  }
  let parsed;
  try {
    parsed = SettingsSchema.safeParse(JSON.parse(readFileSync(folder.settings, 'utf8')));
  } catch (cause) {
    throw corrupt(folder.settings, cause instanceof Error ? cause.message : String(cause));
  }
  if (!parsed.success) throw corrupt(folder.settings, parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '));
  return parsed.data;
}

/** Writes the settings, whole or not at all. */
export function writeSettings(folder: DataFolder, settings: Settings): void {
  writePrivately(folder.settings, `${JSON.stringify(settings, null, 2)}\n`);
}

/** Replaces a file whole, readable by its owner alone unless `mode` says else. */
export function writePrivately(path: string, text: string, mode = 0o600): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode, flush: true });
  renameSync(fresh, path);
}

/** Codes for regions that have none yet: the next after all that were ever given. */
export function withCodes(codes: Settings['codes'], regions: readonly string[]): Settings['codes'] {
  const all = { ...codes };
  for (const region of regions) all[region] ??= Math.max(0, ...Object.values(all)) + 1;
  if (Object.values(all).some((code) => code > 255)) throw new Refusal('this world has had 255 regions: no code is left for another one');
  return all;
}

/** The line for a data folder that something damaged. */
export function corrupt(file: string, why: string): Refusal {
  return new Refusal(`the data folder is damaged: ${file}: ${why.replaceAll('\n', ' ')}; restore it, or begin anew with --fresh`);
}

/** A short name for a text. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
