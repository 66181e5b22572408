import { isNodeKind, type LimitProfile } from '#libs/domain';

/** A kind of runtime as the info document lists it. */
export interface Runtime {
  readonly kind: string;
  readonly image: string;
  readonly deprecated: boolean;
  readonly default: boolean;
  readonly attached: boolean;
  readonly requireMain: boolean;
}

/** The kinds that actions may have here, and the profile that says how they are named. */
export interface Offer {
  readonly kinds: readonly string[];
  readonly profile: LimitProfile;
}

/** The runtimes on offer, by family; each family has one default. */
export function runtimesOf({ kinds, profile }: Offer): Readonly<Record<string, readonly Runtime[]>> {
  const families: Record<string, Runtime[]> = {};
  for (const kind of kinds) {
    const [family = '', version = ''] = kind.split(':');
    const isDefault = kind === (isNodeKind(kind) ? profile.defaultNodeKind : 'python:3');
    const image = `openwhisk/${kind === 'python:3' ? 'python3action' : `action-${family}-v${version}`}:nightly`;
    (families[family] ??= []).push({ kind, image, deprecated: false, default: isDefault, attached: true, requireMain: false });
  }
  return families;
}

/** The concrete runtime that a kind names: `FAMILY:default` is the family's default. Undefined where there is none. */
export function findRuntime(kind: string, offer: Offer): Runtime | undefined {
  const families = new Map(Object.entries(runtimesOf(offer)));
  const family = /^([a-z]+):default$/.exec(kind)?.[1];
  if (family !== undefined) return families.get(family)?.find((runtime) => runtime.default);
  return [...families.values()].flat().find((runtime) => runtime.kind === kind);
}

/** Every kind that an action may have, as the text of a refusal lists them. */
export function validKinds({ kinds, profile }: Offer): string[] {
  return [...(profile.namedKinds ?? kinds), 'sequence', 'blackbox'];
}
