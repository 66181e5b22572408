import { invariant } from './invariant.js';

/** A namespace's id: the UUID that its first auth key carries as user name. Rows hang on it, never on the name. */
export type NamespaceId = string & { readonly __namespaceId: unique symbol };
/** A region's name, such as `eu-west-1`. */
export type RegionId = string & { readonly __regionId: unique symbol };
/** A region's number, 1 to 255, given once and never again. It opens every activation id made there. */
export type RegionCode = number & { readonly __regionCode: unique symbol };
/** One activation: 32 lower-case hex digits = 2 region code, 12 epoch ms of acceptance, 18 random. */
export type ActivationId = string & { readonly __activationId: unique symbol };
/** A created entity, for ever: a UUID that a deleted and re-created entity does not get again. */
export type EntityId = string & { readonly __entityId: unique symbol };
/** A hybrid logical clock reading: 48 bits of ms, 16 of counter, as a decimal string (it exceeds 2^53). */
export type Hlc = string & { readonly __hlc: unique symbol };
/** A transaction id (`X-Request-ID`). */
export type Transid = string & { readonly __transid: unique symbol };

/** Builds an activation id. `random` is 18 hex digits from a good source. */
export function activationId(region: RegionCode, acceptedAtMs: number, random: string): ActivationId {
  invariant(/^[0-9a-f]{18}$/.test(random), '18 hex digits of randomness');
  invariant(region >= 1 && region <= 255, 'a region code is 1 to 255');
  return (hex(region, 2) + hex(acceptedAtMs, 12) + random) as ActivationId;
}

/** Builds an entity's id, which sorts by when the entity was made (a UUID of version 7). `random` is 20 hex digits from a good source. */
export function entityIdAt(madeAtMs: number, random: string): EntityId {
  invariant(/^[0-9a-f]{20}$/.test(random), '20 hex digits of randomness');
  const time = hex(madeAtMs, 12);
  const variant = (8 + (parseInt(random.slice(3, 4), 16) % 4)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}` as EntityId;
}

/** What an activation id tells: the region that accepted it and when (epoch ms). Any 32 hex digits are readable, ours or not. */
export function readActivationId(id: ActivationId): { region: RegionCode; acceptedAtMs: number } {
  return { region: parseInt(id.slice(0, 2), 16) as RegionCode, acceptedAtMs: parseInt(id.slice(2, 14), 16) };
}

/** Whether a text is a well-formed activation id. */
export function isActivationId(text: string): text is ActivationId {
  return /^[0-9a-f]{32}$/.test(text);
}

/** Whether a text is a UUID. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
