import { Module, type DynamicModule } from '@nestjs/common';
import { EventBus, ObjectStore } from '#libs/domain';
import { ChangeFeed, ReplicaStore } from '#libs/replication';
import { PgChangeFeed, PgReplicaStore, type Storage } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import type { Pool } from 'pg';
import { PeerLinks } from './peer-links.js';
import { Nudges } from './push/nudges.js';
import { PushLoop } from './push/push-loop.js';
import { BlobLane } from './receive/blob-lane.js';
import { Parking } from './receive/parking.js';
import { ParkingPeers } from './receive/parking-peers.js';
import { ReceiveController } from './receive/receive.controller.js';
import { Receiver } from './receive/receiver.js';
import { RegionDatabase } from './region-database.js';
import { Shutdown } from './shutdown.js';
import { PeerGuard } from './security/peer.guard.js';
import { StatusController } from './status/status.controller.js';
import type { Tls } from './tls.js';
import { WorldView } from './world-view.js';

/** What the service is built on, opened before it. */
export interface ReplicationParts {
  readonly world: WorldView;
  readonly storage: Storage;
  /** Connections of replication's own, so that nothing else of the process can take them. */
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly bus: EventBus;
  readonly tls: Tls;
  readonly log: Logger;
}

/**
 * The replication service of one region: pushes its changes to every peer and takes theirs.
 *
 * Its rooms: `push` (feed → peers), `receive` (batches, code, parking), `security`, `status`. Anti-entropy gets a room beside `push`, on the same
 * lines and the same `ReplicaStore.merge`; joining and draining one beside it, on `repl_member`; relaying is a flag of the feed's query.
 */
@Module({})
export class ReplicationModule {
  static with({ world, storage, pool, databaseUrl, bus, tls, log }: ReplicationParts): DynamicModule {
    return {
      module: ReplicationModule,
      controllers: [ReceiveController, StatusController],
      providers: [
        { provide: WorldView, useValue: world },
        { provide: Logger, useValue: log },
        { provide: EventBus, useValue: bus },
        { provide: ObjectStore, useValue: storage.objects },
        { provide: ChangeFeed, useFactory: () => new PgChangeFeed(pool, world.self.code) },
        { provide: ReplicaStore, useFactory: () => new PgReplicaStore(pool) },
        { provide: RegionDatabase, useFactory: () => new RegionDatabase(pool, databaseUrl, log) },
        { provide: PeerLinks, useFactory: () => new PeerLinks(world, tls) },
        { provide: BlobLane, useFactory: (links: PeerLinks) => new BlobLane(storage.objects, world, links, log), inject: [PeerLinks] },
        { provide: ParkingPeers, useFactory: (links: PeerLinks) => new ParkingPeers(world, links, log), inject: [PeerLinks] },
        {
          provide: Receiver,
          useFactory: (store: ReplicaStore, blobs: BlobLane) => new Receiver(store, blobs, bus, log),
          inject: [ReplicaStore, BlobLane],
        },
        { provide: Shutdown, useFactory: () => new Shutdown([bus, { close: () => pool.end() }, storage]) },
        Nudges,
        PeerGuard,
        PushLoop,
        Parking,
      ],
    };
  }
}
