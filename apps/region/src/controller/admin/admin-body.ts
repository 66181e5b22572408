import type { FastifyReply } from 'fastify';
import { isName, toJsonText, type Json } from '#libs/domain';
import { jsonAnswer, sendAnswer } from '#libs/http';
import { z } from 'zod';

/** The name of a subject or a namespace. */
export const EntityName = z.string().refine(isName, 'a name is like that of an entity: letters, digits and @ . & - inside');

/** A schema for bodies, which reach handlers as bytes: what is no JSON stays what it is and fails the schema. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  return z.preprocess(readJson, schema);
}

/** Answers an operator. */
export function answer(reply: FastifyReply, status: number, body: object): void {
  sendAnswer(reply, jsonAnswer(status, toJsonText(body as Json)));
}

/** The JSON of a body, or what was given where it is none. */
export function readJson(body: unknown): unknown {
  if (!(body instanceof Uint8Array)) return body;
  if (body.length === 0) return {};
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
