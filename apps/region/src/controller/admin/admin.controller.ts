import { Body, Controller, Delete, Get, Param, Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Subjects } from '#libs/auth';
import { ActivationStore, isName, toJsonText, type Json } from '#libs/domain';
import { jsonAnswer, sendAnswer } from '#libs/http';
import { z } from 'zod';
import { Settings } from '../settings.js';
import { OperatorGuard } from './operator.guard.js';
import { whyOf } from './why.js';

const SubjectName = z.string().refine(isName, 'a subject is named like an entity: letters, digits and @ . & - inside');

/** The body that creates a subject; a key is given only to restore one that exists elsewhere. */
const CreateSubject = z.preprocess(
  readJson,
  z.object({
    name: SubjectName,
    authKey: z
      .string()
      .regex(/^[0-9a-f-]{36}:\S{16,256}$/i)
      .optional(),
  }),
);
type CreateSubject = z.infer<typeof CreateSubject>;

/** What operators do to a region. */
@Controller('isochrone/v1')
@UseGuards(OperatorGuard)
export class AdminController {
  constructor(
    private readonly subjects: Subjects,
    private readonly activations: ActivationStore,
    private readonly settings: Settings,
  ) {}

  @Post('subjects')
  async create(@Body({ schema: CreateSubject }) body: CreateSubject, @Res() reply: FastifyReply): Promise<void> {
    const authKey = await this.subjects.create(body.name, body.authKey);
    answer(reply, 201, { name: body.name, authKey });
  }

  @Get('subjects')
  async list(@Res() reply: FastifyReply): Promise<void> {
    const subjects = await this.subjects.list();
    answer(reply, 200, { subjects: subjects.map((subject) => ({ ...subject })) });
  }

  @Delete('subjects/:name')
  async remove(@Param('name', { schema: SubjectName }) name: string, @Res() reply: FastifyReply): Promise<void> {
    await this.subjects.remove(name);
    answer(reply, 200, { name });
  }

  @Get('why/:transid')
  async why(@Param('transid') transid: string, @Res() reply: FastifyReply): Promise<void> {
    const records = await this.activations.byTransid(transid);
    answer(reply, 200, { region: this.settings.region.id, transid, activations: whyOf(records) });
  }
}

function answer(reply: FastifyReply, status: number, body: Json): void {
  sendAnswer(reply, jsonAnswer(status, toJsonText(body)));
}

/** Bodies reach handlers as bytes; what is no JSON stays what it is and fails the schema. */
function readJson(body: unknown): unknown {
  if (!(body instanceof Uint8Array)) return body;
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
