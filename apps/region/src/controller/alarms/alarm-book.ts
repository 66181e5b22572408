import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  asJsonText,
  EntityStore,
  kinds,
  spaces,
  toJsonText,
  type EntityId,
  type EntityRow,
  type EntityWrite,
  type JsonText,
  type NamespaceId,
} from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { alarmOf, type Alarm, type AlarmDoc } from './alarm.js';

/** Thrown to leave an alarm as it stands. */
const asItStands = new Error('the alarm is another one by now');

/** The alarms of all namespaces: a row each, at the name of the trigger, whose payload is sealed with the namespace's key. */
@Injectable()
export class AlarmBook {
  constructor(
    private readonly store: EntityStore,
    private readonly keys: NamespaceKeys,
  ) {}

  /** The alarm of a trigger, or undefined. */
  async find(ns: NamespaceId, trigger: string): Promise<Alarm | undefined> {
    const row = await this.store.find({ space: spaces.alarm, ns, path: trigger });
    return row && alarmOf(row);
  }

  /** What an alarm fires its trigger with: the text of a JSON object. */
  async payload({ ns, sealed }: Alarm): Promise<JsonText> {
    return sealed ? asJsonText(Buffer.from(await this.keys.open(ns, sealed)).toString('utf8')) : toJsonText({});
  }

  /** Makes a new alarm, in place of one that stands there. */
  async create(ns: NamespaceId, trigger: string, doc: AlarmDoc, payload: JsonText): Promise<void> {
    const sealed = await this.keys.seal(ns, Buffer.from(payload));
    await this.store.write({ space: spaces.alarm, ns, path: trigger }, () => written(randomUUID() as EntityId, doc, sealed));
  }

  /**
   * Changes an alarm as `change` says, given what it is now; without a payload it keeps its own. False where it is gone, or another one has taken its
   * place, or `change` gives nothing.
   */
  async change(alarm: Alarm, change: (standing: Alarm) => AlarmDoc | undefined, payload?: JsonText): Promise<boolean> {
    const sealed = payload === undefined ? undefined : await this.keys.seal(alarm.ns, Buffer.from(payload));
    return this.decide(alarm, (row) => {
      const doc = change(alarmOf(row));
      return doc && written(row.entityId, doc, sealed ?? row.sealed);
    });
  }

  /** Deletes an alarm; false where it is gone already. */
  remove(alarm: Alarm): Promise<boolean> {
    return this.decide(alarm, ({ entityId }) => ({ ...written(entityId, undefined, null), deleted: true }));
  }

  private async decide(alarm: Alarm, become: (row: EntityRow) => EntityWrite | undefined): Promise<boolean> {
    try {
      await this.store.write({ space: spaces.alarm, ns: alarm.ns, path: alarm.trigger }, (row) => {
        const wanted = row?.entityId === alarm.id ? become(row) : undefined;
        if (!wanted) throw asItStands;
        return wanted;
      });
      return true;
    } catch (thrown) {
      if (thrown === asItStands) return false;
      throw thrown;
    }
  }
}

function written(entityId: EntityId, doc: AlarmDoc | undefined, sealed: Uint8Array | null): EntityWrite {
  const text = doc === undefined ? null : asJsonText(JSON.stringify(doc));
  return { kind: kinds.other, entityId, deleted: false, doc: text, sealed, blob: null, requires: [], updated: Date.now() };
}
