import { Injectable } from '@nestjs/common';
import { ActivationStore, Failure, jsonObject, recordJson, responseJson, summaryJson, toJsonText } from '#libs/domain';
import { jsonAnswer, type Answer } from '#libs/http';
import { countAnswer, listAnswer, readPage } from '../definitions/listing.js';
import { ownNamespace, type CollectionCall, type EntityCall, type Routes } from '../rest/call.js';
import { Settings } from '../settings.js';
import { missing, OwnerRegion } from './owner-region.js';
import { readActivationIdSegment, readFilter } from './activation-query.js';

/** Records of activations as the REST API shows them. */
@Injectable()
export class Activations {
  readonly routes: Routes = { collection: { GET: (call) => this.list(call) }, entity: { GET: (call) => this.read(call) } };

  constructor(
    private readonly store: ActivationStore,
    private readonly settings: Settings,
    private readonly elsewhere: OwnerRegion,
  ) {}

  /** An activation that was accepted and has not ended is a 404 like one that never was, and a header tells the difference. */
  private async read(call: EntityCall): Promise<Answer> {
    const id = readActivationIdSegment(call.target.name);
    const { ns } = ownNamespace(call, call.target.name);
    const found = await this.store.find(ns, id);
    if (!found) {
      const owner = this.elsewhere.of(id);
      return owner ? this.elsewhere.ask(owner, id, call) : missing(call.transid);
    }
    if (found.kind === 'pending') return missing(call.transid, 'pending');
    const { record } = found;
    if (call.target.part === 'result') return jsonAnswer(200, responseJson(record.response));
    if (call.target.part === 'logs') return jsonAnswer(200, jsonObject([['logs', toJsonText(record.logs)]]));
    return jsonAnswer(200, recordJson(record));
  }

  private async list(call: CollectionCall): Promise<Answer> {
    const { ns } = ownNamespace(call);
    const page = readPage(call.query, 'activations', this.settings.profile);
    const docs = call.query.boolean('docs', false);
    const filter = readFilter(call.query);
    if (page.count && docs) throw new Failure('bad-request', { reason: "The parameter 'docs' is not permitted with 'count'." });
    if (page.count) return countAnswer('activations', await this.store.count(ns, filter), page);
    return docs
      ? listAnswer((await this.store.listFull(ns, filter, page)).map((record) => recordJson(record)))
      : listAnswer((await this.store.list(ns, filter, page)).map(summaryJson));
  }
}
