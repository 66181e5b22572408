import { readFileSync } from 'node:fs';
import type { RegionCode, RegionId, World, WorldRegion } from '#libs/domain';
import { z } from 'zod';

const Place = z.object({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180), name: z.string().min(1) });

/** A region's name: letters and digits in groups, joined by dashes. */
export const regionName = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'a region is named like eu-west-1');

const Region = z.object({
  id: regionName.transform((id) => id as RegionId),
  code: z
    .number()
    .int()
    .min(1)
    .max(255)
    .transform((code) => code as RegionCode),
  place: Place,
  url: z.url(),
  replicationUrl: z.url(),
  publicKey: z.string().min(1),
});

/** The schema of `world.json`, shared by the CLI, compose files and Terraform's outputs. */
export const WorldSchema = z
  .object({
    name: z.string().min(1),
    url: z.url(),
    defaultRegion: regionName.transform((id) => id as RegionId),
    regions: z.array(Region).min(1),
  })
  .refine((w) => w.regions.some((r) => r.id === w.defaultRegion), 'defaultRegion must be one of the regions')
  .refine((w) => new Set(w.regions.map((r) => r.id)).size === w.regions.length, 'a region is named twice')
  .refine((w) => new Set(w.regions.map((r) => r.code)).size === w.regions.length, 'a region code is given twice');

/** Reads `world.json`; throws naming the file and every bad field. */
export function readWorld(file: string): World {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`cannot read the world from ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  const parsed = WorldSchema.safeParse(json);
  if (!parsed.success) throw new Error(`${file} does not describe a world\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The region of a world by its name; throws when there is none. */
export function regionOf(world: World, id: string): WorldRegion {
  const region = world.regions.find((r) => r.id === id);
  if (!region) throw new Error(`there is no region '${id}' in world '${world.name}': it has ${world.regions.map((r) => r.id).join(', ')}`);
  return region;
}
