'use strict';
/** From what the action returns, throws or rejects with to the answer that OpenWhisk's Node.js runtime gives, text for text. */
const { Buffer } = require('node:buffer');

// As they were before any user code ran: what it does to them must not change how answers are written.
const { stringify } = JSON;
const bytesOf = Buffer.from;

/** An answer that is an error of the developer. */
function failure(text) {
  return { ok: false, body: stringify({ error: text }) };
}

/** Calls the action with what `args` gives. */
async function answerOf(handler, args) {
  let returned;
  try {
    returned = handler(args());
  } catch (error) {
    console.error(error);
    return failure(`An error has occurred: ${textOf(error)}`);
  }
  let value;
  try {
    value = await returned;
  } catch (reason) {
    return rejected(reason);
  }
  return stringified(value === undefined ? {} : value);
}

function rejected(reason) {
  let error;
  try {
    error = reason ? plain(reason, new Set()) : {};
  } catch {
    error = textOf(reason);
  }
  return stringified({ error });
}

function stringified(value) {
  if (typeof value !== 'object') {
    console.error(`Result must be of type object but has type "${typeof value}":`, value);
    return failure('The action did not return a dictionary.');
  }
  try {
    const body = stringify(value);
    return body === undefined ? failure('The action did not return a dictionary.') : { ok: true, body };
  } catch (error) {
    console.error(error);
    return failure(`An error has occurred: the result cannot be written as JSON: ${textOf(error)}`);
  }
}

function textOf(error) {
  try {
    return String(error);
  } catch {
    return 'something that has no text';
  }
}

/** A reason as plain data: errors show name, message, stack and what else they carry; circles and functions become words. */
function plain(value, above) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (above.has(value)) return '[Circular]';
  if (Buffer.isBuffer(value)) return '[object Buffer]';
  if (typeof value.toJSON === 'function' && !(value instanceof Error)) return value;
  const path = new Set(above).add(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, path));
  const copy = {};
  for (const key of Object.keys(value)) if (typeof value[key] !== 'function') copy[key] = plain(value[key], path);
  if (value instanceof Error || typeof value.stack === 'string') {
    for (const key of ['name', 'message', 'stack', 'code']) if (['string', 'number'].includes(typeof value[key])) copy[key] = value[key];
  }
  return copy;
}

/** The body's bytes: how many, and those that fit into `limit`, ending between two characters. */
function bodyOf(body, limit) {
  const bytes = bytesOf(body);
  if (bytes.length <= limit) return { bytes: bytes.length, kept: bytes };
  let end = limit;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return { bytes: bytes.length, kept: bytes.subarray(0, end) };
}

module.exports = { answerOf, bodyOf, failure };
