import { Injectable } from '@nestjs/common';
import { ReadThrough } from '#libs/auth';
import { EntityStore, kinds, spaces, toJsonText, type EntityKey, type NamespaceId, type Rule, type Trigger } from '#libs/domain';
import { Definitions } from '../definitions/definitions.js';
import type { Freshness } from '../definitions/resolver.js';
import { isAttached } from './rule-document.js';

const bounds = { max: 2000, ttlMs: 5000 };
const chunk = 200;
const emptyDoc = toJsonText({});

/**
 * Which rules a trigger has. Each rule is a row of its own and says which trigger it follows, so that changes of two rules, or of a rule and
 * its trigger, never undo each other. That a trigger ever had a rule is a row too, keyed by the trigger's id: its document tells that.
 */
@Injectable()
export class RuleBook {
  private readonly cache = new ReadThrough<readonly Rule[]>(bounds, (ns) => this.load(ns as NamespaceId));

  constructor(
    private readonly definitions: Definitions,
    private readonly store: EntityStore,
  ) {}

  /** The rules that follow a trigger, in the order in which they were made. */
  async of(trigger: Trigger, freshness: Freshness): Promise<readonly Rule[]> {
    const all = freshness === 'fresh' ? await this.load(trigger.ns) : await this.cache.read(trigger.ns);
    return inOrder((all ?? []).filter((rule) => isAttached(rule, trigger)));
  }

  /** Whether a rule was ever attached to a trigger. */
  async ruled({ ns, entityId }: Trigger): Promise<boolean> {
    return (await this.store.find({ space: spaces.ruled, ns, path: entityId })) !== undefined;
  }

  /** Notes that a rule is attached to a trigger; once is enough. */
  async note(trigger: Trigger): Promise<void> {
    if (await this.ruled(trigger)) return;
    await this.mark(trigger, false);
  }

  /** Drops what was noted of a trigger that is gone. */
  async drop(trigger: Trigger): Promise<void> {
    if (await this.ruled(trigger)) await this.mark(trigger, true);
  }

  /** Forgets the rules of a namespace in which a definition changed. */
  forget({ space, ns }: Pick<EntityKey, 'space' | 'ns'>): void {
    if (space === spaces.definition) this.cache.forget(ns);
  }

  private async mark({ ns, entityId }: Trigger, deleted: boolean): Promise<void> {
    await this.store.write({ space: spaces.ruled, ns, path: entityId }, () => {
      const none = { sealed: null, blob: null, requires: [] };
      return { kind: kinds.other, entityId, deleted, doc: deleted ? null : emptyDoc, ...none, updated: Date.now() };
    });
  }

  private async load(ns: NamespaceId): Promise<readonly Rule[]> {
    const rules: Rule[] = [];
    for (let skip = 0; ; skip += chunk) {
      const page = await this.definitions.list({ ns, kind: kinds.rule, skip, limit: chunk });
      rules.push(...page.filter((entity) => entity.type === 'rule'));
      if (page.length < chunk) return rules;
    }
  }
}

/** Ids of entities sort by when they were made. */
function inOrder(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted((a, b) => (a.entityId < b.entityId ? -1 : 1));
}
