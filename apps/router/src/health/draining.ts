import { Injectable } from '@nestjs/common';

/** Whether this router is on its way out. */
@Injectable()
export class Draining {
  #begun = false;

  get begun(): boolean {
    return this.#begun;
  }

  /** From now on readiness is red and answers say `Connection: close`. */
  begin(): void {
    this.#begun = true;
  }
}
