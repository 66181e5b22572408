import { connectControl } from '../supervision/control.js';
import { readArguments, type Command } from './command.js';
import { findLiveWorld } from './live-world.js';

/** Kills every process of a region, its Postgres with it. */
export const kill: Command = {
  usage: 'kill REGION [--data DIR]',
  about: 'kill every process of a region, as a power cut would; it stays down until `start REGION`',
  async run(surroundings) {
    const { where, words } = readArguments(surroundings, kill.usage, ['REGION']);
    findLiveWorld(where);
    const [region = ''] = words;
    await connectControl(where.folder.control, where.folder.path).kill(region);
    surroundings.print(`${region} is down: \`isochrone start ${region}\` brings it back`);
  },
};

/** Starts a region that was killed and waits until it serves. */
export const start: Command = {
  usage: 'start REGION [--data DIR]',
  about: 'start a region that was killed, and wait until it serves',
  async run(surroundings) {
    const { where, words } = readArguments(surroundings, start.usage, ['REGION']);
    findLiveWorld(where);
    const [region = ''] = words;
    await connectControl(where.folder.control, where.folder.path).start(region);
    surroundings.print(`${region} serves`);
  },
};
