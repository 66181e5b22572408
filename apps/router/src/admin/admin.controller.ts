import { Controller, Get, Param, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Regions } from '../proxy/regions.js';
import type { Region } from '../proxy/region.js';
import { Traces, type Trace } from '../proxy/trace.js';
import { AdminGuard } from './admin.guard.js';

const timeoutMs = 2000;
const answerMax = 1024 * 1024;

/** What a region told, or why it could not. */
type RegionsWord = { readonly answer: unknown } | { readonly unreachable: string };

/** One region in the list. */
interface RegionStatus {
  readonly id: string;
  readonly code: number;
  readonly place: { readonly lat: number; readonly lon: number; readonly name: string };
  readonly url: string;
  readonly default: boolean;
  readonly healthy: boolean;
  readonly sinceMs: number;
  readonly because?: string;
  readonly inFlight: number;
}

/** What operators ask a router. */
@Controller('isochrone/v1')
@UseGuards(AdminGuard)
export class AdminController {
  constructor(
    private readonly regions: Regions,
    private readonly traces: Traces,
  ) {}

  /** Every region and what this router believes of it. */
  @Get('regions')
  list(): { regions: RegionStatus[] } {
    const { defaultRegion } = this.regions.world;
    const regions = this.regions.all.map(({ world: { id, code, place, url }, health, inFlight }) => ({
      id,
      code,
      place,
      url,
      default: id === defaultRegion,
      healthy: health.up,
      sinceMs: health.sinceMs,
      ...(health.trouble === undefined ? {} : { because: [health.trouble, health.detail].filter(Boolean).join(': ') }),
      inFlight,
    }));
    return { regions };
  }

  /** What became of a transaction: this router's decisions about it, and the word of every region. */
  @Get('why/:transid')
  async why(
    @Param('transid') transid: string,
    @Req() request: FastifyRequest,
  ): Promise<{ transid: string; router: Trace[]; regions: Record<string, RegionsWord> }> {
    const regions = await this.askAll(`why/${encodeURIComponent(transid)}`, request);
    return { transid, router: this.traces.find(transid), regions };
  }

  /** How far every region is with erasing a namespace. */
  @Get('erasures/:namespaceId')
  async erasure(@Param('namespaceId') id: string, @Req() request: FastifyRequest): Promise<{ regions: Record<string, RegionsWord> }> {
    return { regions: await this.askAll(`erasures/${encodeURIComponent(id)}`, request) };
  }

  /** What operators did, in the words of every region: each one writes down the calls that it answered. */
  @Get('audit')
  async audit(
    @Query('since') since: string | undefined,
    @Req() request: FastifyRequest,
  ): Promise<{ regions: Record<string, RegionsWord> }> {
    return { regions: await this.askAll(`audit?since=${encodeURIComponent(since ?? '0')}`, request) };
  }

  private async askAll(path: string, { headers, socket }: FastifyRequest): Promise<Record<string, RegionsWord>> {
    const carried = { authorization: headers.authorization ?? '', 'x-forwarded-for': socket.remoteAddress ?? '' };
    const words = await Promise.all(this.regions.all.map(async (region) => [region.id, await ask(region, path, carried)] as const));
    return Object.fromEntries(words);
  }
}

async function ask(region: Region, below: string, headers: Readonly<Record<string, string>>): Promise<RegionsWord> {
  try {
    const path = `/isochrone/v1/${below}`;
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, body } = await region.pool.request({ method: 'GET', path, headers, signal });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > answerMax) return { unreachable: `more than ${answerMax} bytes` };
      chunks.push(chunk);
    }
    if (statusCode !== 200 && statusCode !== 404) return { unreachable: `status ${statusCode}` };
    return { answer: statusCode === 404 ? null : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown) };
  } catch (error) {
    return { unreachable: error instanceof Error ? error.message : String(error) };
  }
}
