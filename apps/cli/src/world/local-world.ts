import type { World } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { Refusal } from '../refusal.js';
import type { WorldControl, WorldStatus } from '../supervision/control.js';
import { noteRunning } from '../supervision/leftovers.js';
import { boundLogs } from '../supervision/logs.js';
import { probe } from '../supervision/probes.js';
import { roles, type Unit } from '../supervision/unit.js';
import type { DataFolder } from './folder.js';

/** The units of a world, by what each must wait for. */
export interface WorldUnits {
  readonly router: Unit;
  readonly regions: readonly RegionUnits[];
}

/** The units of one region. */
export interface RegionUnits {
  readonly id: string;
  /** What the others cannot begin without: Postgres, and Kafka where it is the queue. */
  readonly stores: readonly Unit[];
  /** Begins beside the stores. */
  readonly spawner: Unit;
  /** Begins when the stores answer. */
  readonly services: readonly Unit[];
  /** Writes what a region must hold from the start; does nothing when it does. */
  readonly seed: () => Promise<void>;
}

const wholeMs = 60_000;

/** A whole world on this machine: starts it, keeps it running, kills and starts its regions, ends it in order. */
export class LocalWorld implements WorldControl {
  private readonly killed = new Set<string>();
  private readonly busy = new Map<string, Promise<void>>();
  private readonly endLogBounds: () => void;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly folder: DataFolder,
    private readonly world: World,
    private readonly units: WorldUnits,
    private readonly logger: Logger,
    logs: readonly string[],
  ) {
    this.endLogBounds = boundLogs(() => logs);
  }

  /** Starts everything at once where nothing has to wait, and resolves when every region serves. `say` gets what is reached. */
  async startAll(say: (text: string) => void): Promise<void> {
    await Promise.all([
      this.units.router.start(),
      ...this.units.regions.map(({ id }) =>
        this.alone(id, async (region) => {
          await this.bringUp(region, () => say(`${id}: database ready`));
          say(`${id}: ready`);
        }),
      ),
    ]);
    await this.isWhole();
  }

  /** Notes what runs, for a start after one that could not end well. */
  note(): void {
    if (!this.stopping)
      noteRunning(
        this.folder.running,
        this.all.flatMap((unit) => unit.running ?? []),
      );
  }

  status(): WorldStatus {
    return {
      url: this.world.url,
      folder: this.folder.path,
      pid: process.pid,
      regions: this.world.regions.map(({ id, url, replicationUrl }) => ({ id, url, replicationUrl, killed: this.killed.has(id) })),
      processes: this.all.map((unit) => unit.status()),
    };
  }

  kill(id: string): Promise<void> {
    return this.alone(id, async (region) => {
      this.killed.add(id);
      await Promise.all(unitsOf(region).map((unit) => unit.kill()));
      this.logger.log('a region was killed', { region: id });
    });
  }

  start(id: string): Promise<void> {
    return this.alone(id, async (region) => {
      await this.bringUp(region);
      this.killed.delete(id);
      this.logger.log('a region was started', { region: id });
    });
  }

  /** Ends every process, those first on which others do not depend. */
  stopAll(): Promise<void> {
    this.stopping ??= this.stopInOrder();
    return this.stopping;
  }

  private async stopInOrder(): Promise<void> {
    this.endLogBounds();
    for (const role of roles) await Promise.all(this.all.filter((unit) => unit.status().role === role).map((unit) => unit.stop()));
    noteRunning(this.folder.running, []);
  }

  private get all(): Unit[] {
    return [this.units.router, ...this.units.regions.flatMap(unitsOf)];
  }

  /** One command at a time for each region; a second one waits for the first. */
  private async alone(id: string, work: (region: RegionUnits) => Promise<void>): Promise<void> {
    const region = this.units.regions.find((each) => each.id === id);
    if (!region)
      throw new Refusal(`there is no region '${id}' in this world: it has ${this.world.regions.map((each) => each.id).join(', ')}`);
    const after = (this.busy.get(id) ?? Promise.resolve()).then(
      () => work(region),
      () => work(region),
    );
    this.busy.set(id, after);
    await after;
  }

  private async bringUp({ id, stores, spawner, services, seed }: RegionUnits, stored: () => void = () => undefined): Promise<void> {
    const whenStored = async (): Promise<void> => {
      await Promise.all(stores.map((unit) => unit.start()));
      this.checkWanted();
      stored();
      const seeded = seed().catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Refusal(`the database of ${id} could not be made ready: ${why}`, 1, { cause });
      });
      await Promise.all([seeded, ...services.map((unit) => unit.start())]);
    };
    this.checkWanted();
    await Promise.all([spawner.start(), whenStored()]);
  }

  private checkWanted(): void {
    if (this.stopping) throw new Refusal('the world is ending');
  }

  /** Waits until the router sees every region. */
  private async isWhole(): Promise<void> {
    const until = Date.now() + wholeMs;
    for (;;) {
      const answer = await probe(`${this.world.url}/health/ready`);
      if (answer?.status === 200) return;
      this.checkWanted();
      if (Date.now() > until)
        throw new Refusal(`the router does not find every region ready: ${JSON.stringify(answer?.body ?? 'no answer')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function unitsOf({ stores, spawner, services }: RegionUnits): Unit[] {
  return [...stores, spawner, ...services];
}
