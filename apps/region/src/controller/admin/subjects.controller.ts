import { Body, Controller, Delete, Get, Param, Post, Query, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Subjects } from '#libs/auth';
import { Failure } from '#libs/domain';
import { z } from 'zod';
import { answer, EntityName, jsonBody } from './admin-body.js';
import { Eraser } from './eraser.js';
import { OperatorGuard } from './operator.guard.js';

const authKey = z.string().regex(/^[0-9a-f-]{36}:\S{16,256}$/i, 'a key is `uuid:secret`, the secret of 16 characters or more');

/** The body that creates a subject, or gives it one more namespace; a key is given only to restore one that exists elsewhere. */
const CreateSubject = jsonBody(
  z.object({
    name: EntityName,
    namespace: EntityName.optional(),
    authKey: authKey.optional(),
    force: z.boolean().optional(),
    revoke: z.boolean().optional(),
  }),
);
type CreateSubject = z.infer<typeof CreateSubject>;

const Rotate = jsonBody(z.object({ namespace: EntityName.optional(), overlapMinutes: z.number().min(0).max(43_200).default(0) }));
type Rotate = z.infer<typeof Rotate>;

const Whois = jsonBody(z.object({ authKey: z.string().max(512) }));
type Whois = z.infer<typeof Whois>;

const Verb = z.enum(['block', 'unblock']);
type Verb = z.infer<typeof Verb>;

/** Who may use the world. */
@Controller('isochrone/v1')
@UseGuards(OperatorGuard)
export class SubjectsController {
  constructor(
    private readonly subjects: Subjects,
    private readonly eraser: Eraser,
  ) {}

  @Post('subjects')
  async create(@Body({ schema: CreateSubject }) body: CreateSubject, @Res() reply: FastifyReply): Promise<void> {
    const { name: subject, ...more } = body;
    const { namespace, authKey: key } = await this.subjects.create({ subject, ...more });
    answer(reply, 201, { name: subject, namespace, authKey: key });
  }

  @Get('subjects')
  async list(@Res() reply: FastifyReply): Promise<void> {
    answer(reply, 200, { subjects: await this.subjects.list() });
  }

  @Get('subjects/:name')
  async get(@Param('name', { schema: EntityName }) name: string, @Res() reply: FastifyReply): Promise<void> {
    answer(reply, 200, await this.subjects.get(name));
  }

  @Delete('subjects/:name')
  async remove(
    @Param('name', { schema: EntityName }) name: string,
    @Query('namespace', { schema: EntityName.optional() }) namespace: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const gone = await this.subjects.remove(name, namespace);
    answer(reply, 200, { name, namespaces: gone.map((one) => ({ namespace: one.namespace, namespaceId: one.ns })) });
  }

  @Post('subjects/:name/rotate')
  async rotate(
    @Param('name', { schema: EntityName }) name: string,
    @Body({ schema: Rotate }) { namespace, overlapMinutes }: Rotate,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    answer(reply, 200, await this.subjects.rotate(name, namespace, overlapMinutes * 60_000));
  }

  /** Orders that all there is of a subject be erased in every region; what became of it is asked by the ids of its namespaces. */
  @Post('subjects/:name/erase')
  async erase(@Param('name', { schema: EntityName }) name: string, @Res() reply: FastifyReply): Promise<void> {
    const namespaces = await this.eraser.eraseSubject(name);
    answer(reply, 202, { name, namespaces: namespaces.map(({ namespace, ns }) => ({ namespace, namespaceId: ns })) });
  }

  @Post('subjects/:name/:verb')
  async block(
    @Param('name', { schema: EntityName }) name: string,
    @Param('verb', { schema: Verb }) verb: Verb,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.subjects.block(name, verb === 'block');
    answer(reply, 200, { name, blocked: verb === 'block' });
  }

  /** The key travels in the body: paths are logged. */
  @Post('whois')
  async whois(@Body({ schema: Whois }) body: Whois, @Res() reply: FastifyReply): Promise<void> {
    const owner = await this.subjects.whois(body.authKey);
    if (!owner) throw new Failure('not-found');
    answer(reply, 200, owner);
  }

  @Get('namespaces/:namespace/subjects')
  async ofNamespace(@Param('namespace', { schema: EntityName }) namespace: string, @Res() reply: FastifyReply): Promise<void> {
    answer(reply, 200, { namespace, keys: await this.subjects.ofNamespace(namespace) });
  }
}
