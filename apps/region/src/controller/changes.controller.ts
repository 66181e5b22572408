import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { Identities } from '#libs/auth';
import { spaces, type RegionEvent } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import { Eraser } from './admin/eraser.js';
import { Definitions } from './definitions/definitions.js';
import { ApiBook } from './gateway/api-book.js';
import { RuleBook } from './rules/rule-book.js';

/** Makes the caches of this process forget what changed anywhere in the region. */
@Controller()
export class ChangesController {
  constructor(
    private readonly definitions: Definitions,
    private readonly identities: Identities,
    private readonly rules: RuleBook,
    private readonly keys: NamespaceKeys,
    private readonly eraser: Eraser,
    private readonly apis: ApiBook,
  ) {}

  @EventPattern('entity.changed')
  forget(@Payload() event: RegionEvent): void {
    this.definitions.forget(event.key);
    this.identities.forget(event.key);
    this.rules.forget(event.key);
    if (event.key.space === spaces.namespaceKey) this.keys.forget(event.key.ns);
    if (event.key.space === spaces.erasure) this.eraser.wake();
    this.apis.forget(event.key);
  }
}
