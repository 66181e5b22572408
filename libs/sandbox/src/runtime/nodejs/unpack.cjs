'use strict';
/**
 * Unpacks a zip into a folder and nowhere else. Names are checked before anything is written; files are created, never opened; links are made last,
 * when no file can be written through them, and must lead to places inside. Entries, depth and bytes are bounded.
 */
const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const { crc32 } = require('node:zlib');
const yauzl = require('yauzl');

const entriesMax = 50_000;
const depthMax = 64;
const bytesMax = 512 * 1024 * 1024;
const linkBytesMax = 4096;
const typeBits = 0o170000;
const linkType = 0o120000;

/** Rejects with a text that a developer can act on. */
async function unpack(bytes, folder) {
  try {
    if (bytes.length < 4 || bytes[0] !== 0x50 || bytes[1] !== 0x4b) throw new Error('The file type is unsupported');
    const zip = await yauzl.fromBufferPromise(bytes, { strictFileNames: true, validateEntrySizes: true });
    if (zip.entryCount > entriesMax) throw new Error(`It holds ${zip.entryCount} entries, ${entriesMax} are allowed`);
    await writeEntries(zip, folder);
  } catch (error) {
    throw `There was an error uncompressing the action archive. ${explain(error)}`;
  }
}

async function writeEntries(zip, folder) {
  const links = [];
  const folders = new Set([folder]);
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    const target = placeOf(entry.fileName, folder);
    total += entry.uncompressedSize;
    if (total > bytesMax) throw new Error(`It unpacks to more than ${bytesMax} bytes`);
    const mode = entry.externalFileAttributes >>> 16;
    const isFolder = entry.fileName.endsWith('/');
    const parent = isFolder ? target : path.dirname(target);
    if (!folders.has(parent)) {
      fs.mkdirSync(parent, { recursive: true });
      folders.add(parent);
    }
    if (isFolder) continue;
    if ((mode & typeBits) === linkType) links.push({ target, to: await readLink(zip, entry) });
    else await writeFile(zip, entry, target, mode);
  }
  for (const { target, to } of links) makeLink(folder, target, to);
  for (const { target } of links) checkLink(folder, target);
}

/** Where an entry goes. yauzl has refused absolute names, backslashes and `..` already; what is checked here does not depend on it. */
function placeOf(name, folder) {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (name.includes('\0') || name.includes('\ufffd') || name.includes('\\')) throw new Error(`The name ${JSON.stringify(name)} is invalid`);
  if (name.startsWith('/') || parts.includes('..')) throw new Error(`The name ${JSON.stringify(name)} leads out of the archive`);
  if (parts.length > depthMax) throw new Error(`A folder in it is more than ${depthMax} levels deep`);
  return path.join(folder, ...parts);
}

async function writeFile(zip, entry, target, mode) {
  const permissions = mode & 0o777 ? (mode & 0o777) | 0o600 : 0o644;
  if (entry.uncompressedSize === 0) fs.writeFileSync(target, '', { flag: 'wx', mode: permissions });
  else {
    const source = await zip.openReadStreamPromise(entry);
    await pipeline(source, (chunks) => intact(chunks, entry), fs.createWriteStream(target, { flags: 'wx', mode: permissions }));
  }
  fs.chmodSync(target, permissions);
}

/** The chunks of an entry; throws at their end where they are not what was packed. */
async function* intact(chunks, entry) {
  let sum = 0;
  for await (const chunk of chunks) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== entry.crc32) throw new Error(`The checksum of ${JSON.stringify(entry.fileName)} does not match`);
}

async function readLink(zip, entry) {
  if (entry.uncompressedSize > linkBytesMax) throw new Error(`The link ${JSON.stringify(entry.fileName)} is too long`);
  const chunks = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function makeLink(folder, target, to) {
  if (to === '' || path.isAbsolute(to) || !inside(folder, path.resolve(path.dirname(target), to))) throw leadsOut(folder, target);
  fs.symlinkSync(to, target);
}

/** A link through other links may lead elsewhere than its text says. */
function checkLink(folder, target) {
  let real;
  try {
    // As the kernel goes; the other realpath takes `..` in a link by its text.
    real = fs.realpathSync.native(target);
  } catch {
    return; // leads nowhere, which does no harm
  }
  if (inside(folder, real)) return;
  fs.unlinkSync(target);
  throw leadsOut(folder, target);
}

function leadsOut(folder, target) {
  return new Error(`The link ${JSON.stringify(path.relative(folder, target))} leads out of the archive`);
}

function inside(folder, place) {
  return place === folder || place.startsWith(folder + path.sep);
}

function explain(error) {
  if (error?.code === 'EEXIST') return 'Two entries have the same name';
  if (error?.code === 'ENOSPC') return "It does not fit into the action's memory";
  return error instanceof Error ? error.message : String(error);
}

module.exports = { unpack };
