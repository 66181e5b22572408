import { Injectable } from '@nestjs/common';
import { Identities, type Identity } from '#libs/auth';
import { Failure } from '#libs/domain';
import { isValidator } from '../adobe/adobe-auth.js';
import { readReference, referenceText, type Reference } from '../definitions/reference.js';
import { Resolver, type ResolvedAction } from '../definitions/resolver.js';
import { Settings } from '../settings.js';

/** One look at a sequence: what was found already, and how many components were looked at. */
interface Look {
  /** The sequence itself, `/NS/[PKG/]ACT`. */
  readonly self: string;
  readonly found: Map<string, Promise<ResolvedAction>>;
  visits: number;
}

/** Whether a sequence may be written: it has components, all are there, none leads back to it, and there are not too many all in all. */
@Injectable()
export class SequenceCheck {
  constructor(
    private readonly resolver: Resolver,
    private readonly identities: Identities,
    private readonly settings: Settings,
  ) {}

  /** Throws OpenWhisk's texts. That its caller may run the components has been checked; those of a sequence inside are its owner's matter. */
  async check(owner: Identity, self: Reference, components: readonly string[]): Promise<void> {
    if (components.length === 0) throw refusal('No component specified for the sequence.');
    await this.count(owner, components, { self: referenceText(self), found: new Map(), visits: 0 });
  }

  /** How many actions that are no sequences there are. Each look is bounded, since changes that met in two regions may have closed a circle. */
  private async count(owner: Identity, components: readonly string[], look: Look): Promise<number> {
    const max = this.settings.profile.sequenceLength;
    if (components.length > max) throw tooMany();
    let atoms = 0;
    for (const component of components) {
      look.visits += 1;
      if (look.visits > max * max) throw tooMany();
      const reference = readReference(component, owner.namespace);
      if (referenceText(reference) === look.self) throw itself();
      if (isValidator(referenceText(reference))) {
        atoms += 1;
        if (atoms > max) throw tooMany();
        continue;
      }
      const { action, owner: provider } = await this.find(owner, reference, look);
      if (`/${provider.name}/${action.path}` === look.self) throw itself();
      atoms += action.exec.type === 'sequence' ? await this.count(await this.identity(provider.name), action.exec.components, look) : 1;
      if (atoms > max) throw tooMany();
    }
    return atoms;
  }

  private find(owner: Identity, reference: Reference, { found }: Look): Promise<ResolvedAction> {
    const key = `${owner.ns} ${referenceText(reference)}`;
    const finding = found.get(key) ?? this.resolver.action(owner, reference, 'fresh').catch(asMissing);
    found.set(key, finding);
    return finding;
  }

  private async identity(namespace: string): Promise<Identity> {
    const identity = await this.identities.byNamespace(namespace);
    if (!identity) throw missing();
    return identity;
  }
}

function asMissing(cause: unknown): never {
  throw cause instanceof Failure && (cause.code === 'not-found' || cause.code === 'forbidden-resource') ? missing() : cause;
}

function missing(): Failure {
  return refusal('Sequence component does not exist.');
}

function itself(): Failure {
  return refusal('Sequence may not refer to itself.');
}

function tooMany(): Failure {
  return refusal('Too many actions in the sequence.');
}

function refusal(reason: string): Failure {
  return new Failure('bad-request', { reason });
}
