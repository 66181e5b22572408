/**
 * Every failure that stops a request, with the status and text of its answer. Texts that clients compare are OpenWhisk's to the letter
 * (reference: OpenWhisk REST API, `ErrorResponse`); `{name}` is filled from the failure's context.
 */
export const failures = {
  unauthenticated: [401, 'The resource requires authentication, which was not supplied with the request'],
  'bad-credentials': [401, 'The supplied authentication is invalid'],
  'web-auth': [401, 'Authentication is possible but has failed or not yet been provided.'],
  'controller-auth': [401, 'username or password are wrong.'],
  forbidden: [403, 'The supplied authentication is not authorized to access this resource.'],
  'forbidden-resource': [403, "The supplied authentication is not authorized to access '{resource}'."],
  'forbidden-kind': [403, "The supplied authentication is not authorized to access actions of kind '{kind}'."],
  'not-found': [404, 'The requested resource does not exist.'],
  'not-found-resource': [404, "The requested resource '{resource}' does not exist."],
  'no-trigger': [404, 'Only rules with existing triggers can be activated'],
  'no-route': [404, 'The requested resource could not be found.'],
  'no-method': [405, 'HTTP method not allowed, supported methods: {methods}'],
  'not-acceptable': [406, 'Resource representation is only available with these types:\n{types}'],
  conflict: [409, 'The request could not be processed because of conflict in the request, such as an edit conflict.'],
  exists: [409, 'resource already exists'],
  'other-collection': [409, 'Resource by this name exists but is not in this collection.'],
  'state-conflict': [409, '{reason}'],
  concurrent: [409, 'Concurrent modification to resource detected.'],
  'too-large': [413, 'The request content is larger than the server is willing or able to process.'],
  'field-too-large': [413, '{field} larger than allowed: {bytes} > {limit} bytes.'],
  'unsupported-type': [415, "The request's Content-Type [{type}] is not supported. Expected:\napplication/json"],
  'malformed-content': [400, 'The request content was malformed:\n{reason}'],
  'malformed-query': [400, "The query parameter '{name}' was malformed:\n{reason}"],
  'bad-request': [400, '{reason}'],
  'bad-name': [400, '{reason}'],
  throttled: [429, '{reason}'],
  internal: [500, 'There was an internal server error.'],
  unavailable: [503, 'The server is currently unavailable (because it is overloaded or down for maintenance).'],
  'api-refused': [502, '{reason}'],
  'admin-conflict': [409, '{reason}'],
  'no-upgrade': [501, 'Protocol upgrades are not supported.'],
  'region-lost': [502, '{reason}'],
  'region-unreachable': [504, 'The activation lives in {region}, which is unreachable.'],
} as const satisfies Record<string, readonly [number, string]>;

/** A failure's code in the table above. */
export type FailureCode = keyof typeof failures;

/** Values for the places in a failure's text, and anything worth logging. Never parameters, results or keys. */
export type FailureContext = Readonly<Record<string, string | number>>;

/** Stops a request. Only the filter in libs/http turns it into an answer. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(
    readonly code: FailureCode,
    readonly context: FailureContext = {},
    options?: {
      cause?: unknown;
      /** set when this region itself is at fault: the reason in `X-Isochrone-Fault` */ fault?: string;
      retryAfterS?: number;
    },
  ) {
    super(textOf(code, context), options && 'cause' in options ? { cause: options.cause } : undefined);
    this.status = failures[code][0];
    this.fault = options?.fault;
    this.retryAfterS = options?.retryAfterS;
  }

  /** The reason in `X-Isochrone-Fault`, when the region itself is at fault. */
  readonly fault: string | undefined;
  /** Seconds for `Retry-After`, when set. */
  readonly retryAfterS: number | undefined;
}

function textOf(code: FailureCode, context: FailureContext): string {
  return failures[code][1].replace(/\{(\w+)\}/g, (whole, name: string) => String(context[name] ?? whole));
}
