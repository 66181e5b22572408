import { Body, Controller, Get, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import { Failure, ObjectStore } from '#libs/domain';
import { ChangeFeed, encodeRow } from '#libs/replication';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { addressPattern, BatchSchema, KeysSchema } from '../protocol.js';
import { PeerGuard } from '../security/peer.guard.js';
import { Gate } from './gate.js';
import { Receiver } from './receiver.js';

/** Bytes of code held in memory for peers at once are bounded by this many downloads. */
const downloadsMax = 12;
/** Batches of one peer that may be under way: the next may knock while the last one ends. */
const batchesMax = 2;

/** What peers ask of this region: its place in their feed, to take a batch, rows and code that they miss. */
@Controller('repl/v1')
@UseGuards(PeerGuard)
export class ReceiveController {
  private readonly batches = new Gate(batchesMax);
  private readonly downloads = new Gate(downloadsMax);

  constructor(
    private readonly guard: PeerGuard,
    private readonly receiver: Receiver,
    private readonly feed: ChangeFeed,
    private readonly objects: ObjectStore,
  ) {}

  @Get('cursor')
  async cursor(@Req() request: FastifyRequest, @Query('from') from: unknown) {
    const peer = this.guard.peer(request);
    if (from !== peer.id) throw new Failure('forbidden');
    return { position: (await this.receiver.position(peer)) ?? null };
  }

  /** 200 when the batch is committed (now or before), 409 with this region's own place when it does not start there. */
  @Post('batch')
  async batch(@Req() request: FastifyRequest, @Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply) {
    const peer = this.guard.peer(request);
    const batch = read(BatchSchema, body);
    if (batch.from !== peer.id) throw new Failure('forbidden');
    return this.batches.pass(peer.id, async () => {
      const { judgement } = await this.receiver.receive(peer, batch);
      reply.status(judgement.kind === 'gap' ? 409 : 200);
      return { position: judgement.kind === 'gap' ? judgement.own : { epoch: batch.epoch, cursor: batch.upto } };
    });
  }

  @Post('rows')
  async rows(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply) {
    reply.status(200);
    return { rows: (await this.feed.rows(read(KeysSchema, body).keys)).map(encodeRow) };
  }

  /** Encrypted code by its address; `Range: bytes=N-` takes a broken download up again. */
  @Get('blob/:address')
  async blob(@Param('address') address: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!addressPattern.test(address)) throw new Failure('bad-request', { reason: 'a blob is named by the SHA-256 of its bytes, in hex' });
    await this.downloads.pass('all', async () => {
      const bytes = await this.objects.find(address);
      if (!bytes) throw new Failure('not-found');
      const from = rangeStart(request.headers.range, bytes.byteLength);
      reply.header('accept-ranges', 'bytes').type('application/octet-stream');
      if (from > 0) reply.status(206).header('content-range', `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}`);
      const sent = new Promise<void>((resolve) => reply.raw.once('close', resolve));
      await reply.send(Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.byteLength - from));
      await sent;
    });
  }
}

/** Where a range starts that runs to the end, the only form that is served; 0 for anything else, which gets the whole. */
function rangeStart(header: string | undefined, length: number): number {
  const start = Number(/^bytes=(\d{1,15})-$/.exec(header ?? '')?.[1] ?? 0);
  return start < length ? start : 0;
}

function read<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Failure('malformed-content', { reason: z.prettifyError(parsed.error) });
  return parsed.data;
}
