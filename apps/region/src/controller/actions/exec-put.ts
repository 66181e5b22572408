import { Failure } from '#libs/domain';
import { exactText, isObject, malformedContent, type ExactJson } from '#libs/http';
import { readReference, referenceText } from '../definitions/reference.js';
import { findRuntime, validKinds, type Offer } from './runtimes.js';

/** The `exec` of a PUT: code as it was sent, with its kind resolved. `bytes` is what counts against the size limit. */
export type ExecPut =
  | {
      readonly type: 'code';
      readonly kind: string;
      readonly code: string;
      readonly binary: boolean;
      readonly main?: string;
      readonly bytes: number;
    }
  | {
      readonly type: 'blackbox';
      readonly image: string;
      readonly code: string;
      readonly binary: boolean;
      readonly main?: string;
      readonly bytes: number;
    }
  | { readonly type: 'sequence'; readonly components: readonly string[]; readonly bytes: 0 };

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
const imageName =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::\w[\w.-]{0,127})?(?:@[a-z0-9]+:[a-f0-9]+)?$/;

/** Whether code counts as binary: base64 of whole bytes. It is never taken from the request. */
export function isBinary(code: string): boolean {
  const text = code.trim();
  return text !== '' && text.length % 4 === 0 && base64.test(text);
}

/** Reads an `exec`; undefined where there is none. Throws OpenWhisk's texts. */
export function readExec(value: ExactJson | undefined, offer: Offer): ExecPut | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw malformedContent('JSON object expected');
  if (typeof value['kind'] !== 'string') throw malformedContent("'kind' must be a string defined in 'exec'");
  const kind = value['kind'].trim().toLowerCase();
  if (kind === 'sequence') return { type: 'sequence', components: readComponents(value['components']), bytes: 0 };
  const main = readMain(value['main'], kind);
  if (kind === 'blackbox') return readBlackbox(value['image'], value['code'], main);
  const runtime = findRuntime(kind, offer);
  if (!runtime) {
    const kinds = validKinds(offer).map((name) => `'${name}'`);
    throw malformedContent(`The specified runtime '${kind}' is not supported by this platform. Valid values are: ${kinds.join(', ')}.`);
  }
  if (value['code'] === undefined || value['code'] === null) {
    throw malformedContent(`'code' must be a string or attachment object defined in 'exec' for '${runtime.kind}' actions`);
  }
  const code = readCode(value['code']);
  if (runtime.requireMain && main === undefined) {
    throw malformedContent(`'main' must be a string defined in 'exec' for '${runtime.kind}' actions`);
  }
  return { type: 'code', kind: runtime.kind, ...coded(code, main) };
}

function readBlackbox(image: ExactJson | undefined, code: ExactJson | undefined, main: string | undefined): ExecPut {
  if (typeof image !== 'string') throw malformedContent("'image' must be a string defined in 'exec' for 'blackbox' actions");
  if (!imageName.test(image)) throw malformedContent('could not parse image name');
  const text = code === undefined || code === null ? '' : readCode(code);
  const parts = coded(text, main);
  return { type: 'blackbox', image, ...parts, bytes: parts.bytes + Buffer.byteLength(image) };
}

function coded(code: string, main: string | undefined): { code: string; binary: boolean; bytes: number; main?: string } {
  const binary = isBinary(code);
  return {
    code: binary ? code.trim() : code,
    binary,
    bytes: Buffer.byteLength(code) + Buffer.byteLength(main ?? ''),
    ...(main === undefined ? {} : { main }),
  };
}

function readCode(code: ExactJson): string {
  if (typeof code !== 'string') throw malformedContent(`Could not deserialize as attachment record: ${exactText(code)}`);
  return code;
}

/** The longest name of an entry point, bytes: it travels in the head of a frame. */
const mainBytesMax = 4096;

function readMain(main: ExactJson | undefined, kind: string): string | undefined {
  if (main === undefined || main === null) return undefined;
  if (typeof main !== 'string') throw malformedContent(`if defined, 'main' be a string in 'exec' for '${kind}' actions`);
  const bytes = Buffer.byteLength(main);
  if (bytes > mainBytesMax) throw new Failure('field-too-large', { field: 'main', bytes, limit: mainBytesMax });
  return main;
}

/** The same, with every component of a sequence by its full name: `own` is the namespace that `_` stands for. */
export function resolvedComponents(exec: ExecPut | undefined, own: string): ExecPut | undefined {
  if (exec?.type !== 'sequence') return exec;
  return { ...exec, components: exec.components.map((component) => referenceText(readReference(component, own))) };
}

function readComponents(value: ExactJson | undefined): string[] {
  if (value === undefined) throw malformedContent("'components' must be defined for sequence kind");
  if (!Array.isArray(value)) throw malformedContent("'components' must be an array");
  return (value as readonly ExactJson[]).map((component) => {
    if (typeof component !== 'string') throw malformedContent(`Expected String as JsString, but got ${exactText(component)}`);
    return component;
  });
}
