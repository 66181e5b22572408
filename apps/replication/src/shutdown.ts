import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

/** Closes what the service was built on, in order, after the server and the loops have ended. */
@Injectable()
export class Shutdown implements OnApplicationShutdown {
  constructor(private readonly parts: readonly { close(): Promise<void> }[]) {}

  async onApplicationShutdown(): Promise<void> {
    for (const part of this.parts) await part.close();
  }
}
