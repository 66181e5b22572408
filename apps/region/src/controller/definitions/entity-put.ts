import { asJsonText, Failure, parseVersion, type Annotation, type LimitProfile, type Parameter } from '#libs/domain';
import { exactText, isObject, malformedContent, type ExactJson, type ExactObject } from '#libs/http';

/** What every PUT may say. */
export interface CommonPut {
  readonly version?: string;
  readonly publish?: boolean;
  readonly annotations?: readonly Annotation[];
  readonly parameters?: readonly Parameter[];
}

/** The object of a PUT. Throws OpenWhisk's text for anything else: its size check is the first to read a body, and names its own first field. */
export function readPutObject(body: ExactJson): ExactObject {
  if (!isObject(body)) throw malformedContent("Object expected in field 'exec'");
  return body;
}

/** Parameters and annotations of a PUT, read and measured. They come before everything else but `exec`. */
export function readSized(body: ExactObject, profile: LimitProfile): Pick<CommonPut, 'parameters' | 'annotations'> {
  const parameters = readParameters(body['parameters']);
  const annotations = readParameters(body['annotations']);
  checkSize('parameters', parameters, profile.parametersBytes);
  checkSize('annotations', annotations, profile.annotationsBytes);
  return {
    ...(parameters && { parameters }),
    ...(annotations && { annotations: annotations.map(({ key, value }) => ({ key, value })) }),
  };
}

/** Version and publish flag of a PUT. */
export function readVersioned(body: ExactObject): Pick<CommonPut, 'version' | 'publish'> {
  const { version, publish } = body;
  const given = version === undefined || version === null ? undefined : parseVersion(version);
  if (publish !== undefined && publish !== null && typeof publish !== 'boolean') {
    throw malformedContent(`Expected JsBoolean, but got ${exactText(publish)}`);
  }
  return { ...(given === undefined ? {} : { version: given }), ...(typeof publish === 'boolean' ? { publish } : {}) };
}

/** A list of `{key, value, init?}`; the last of a key counts. Undefined where there is none. */
export function readParameters(value: ExactJson | undefined): Parameter[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw malformedContent('parameters malformed!');
  const entries = (value as readonly ExactJson[]).map(readParameter);
  return [...new Map(entries.map((entry) => [entry.key, entry])).values()];
}

/** Throws where entries are larger than allowed: the bytes of their keys and of the JSON text of their values count. */
export function checkSize(field: 'parameters' | 'annotations', entries: readonly Annotation[] | undefined, limit: number): void {
  const bytes = (entries ?? []).reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > limit) throw new Failure('field-too-large', { field, bytes, limit });
}

function readParameter(entry: ExactJson): Parameter {
  const { key, value, init } = isObject(entry) ? entry : {};
  if (typeof key !== 'string' || value === undefined) throw malformedContent('parameters malformed!');
  return { key, value: asJsonText(exactText(value)), ...(init === true ? { init } : {}) };
}
