import { readWorld, type RegionConfig } from '#libs/config';
import { checkEgress, entryOfUrl, type EgressOptions } from '#libs/sandbox';

/**
 * What actions of this region may reach: what the operator says, and the world's own API, in every region and under the name that they know. Throws
 * where the operator's words cannot be read.
 */
export function egressOf(config: RegionConfig): EgressOptions {
  const world = readWorld(config.ISOCHRONE_WORLD);
  const api = [config.ISOCHRONE_API_HOST, world.url, ...world.regions.map(({ url }) => url)];
  const options: EgressOptions = {
    rules: {
      mode: config.ISOCHRONE_EGRESS,
      ports: config.ISOCHRONE_EGRESS_PORTS,
      allow: config.ISOCHRONE_EGRESS_ALLOW,
      apis: [...new Set(api.map(entryOfUrl))],
    },
    nameServers: config.ISOCHRONE_EGRESS_DNS,
    logLevel: config.ISOCHRONE_LOG_LEVEL,
  };
  try {
    checkEgress(options);
  } catch (cause) {
    throw new Error(`bad configuration\nISOCHRONE_EGRESS: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return options;
}
