import type { Settings } from './settings.js';

export interface Seed {
  readonly settings: Settings;
  readonly region: string;
  readonly databaseUrl: string;
}

export async function writeSeeds(_seed: Seed): Promise<void> {}
