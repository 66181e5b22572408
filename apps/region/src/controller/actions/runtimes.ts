import type { LimitProfile } from '#libs/domain';

/** A kind of runtime as the info document lists it. */
export interface Runtime {
  readonly kind: string;
  readonly image: string;
  readonly deprecated: boolean;
  readonly default: boolean;
  readonly attached: boolean;
  readonly requireMain: boolean;
}

/** The runtimes of a profile, by family; each family has one default. */
export function runtimesOf({ defaultNodeKind }: LimitProfile): Readonly<Record<string, readonly Runtime[]>> {
  const version = defaultNodeKind.slice('nodejs:'.length);
  const image = `openwhisk/action-nodejs-v${version}:nightly`;
  return { nodejs: [{ kind: defaultNodeKind, image, deprecated: false, default: true, attached: true, requireMain: false }] };
}

/** The concrete runtime that a kind names: `FAMILY:default` is the family's default. Undefined where there is none. */
export function findRuntime(kind: string, profile: LimitProfile): Runtime | undefined {
  const families = runtimesOf(profile);
  const family = /^([a-z]+):default$/.exec(kind)?.[1];
  if (family !== undefined) return families[family]?.find((runtime) => runtime.default);
  return Object.values(families)
    .flat()
    .find((runtime) => runtime.kind === kind);
}

/** Every kind that an action may have, as the text of a refusal lists them. */
export function validKinds(profile: LimitProfile): string[] {
  const kinds = Object.values(runtimesOf(profile)).flatMap((family) => family.map((runtime) => runtime.kind));
  return [...kinds, 'sequence', 'blackbox'];
}
