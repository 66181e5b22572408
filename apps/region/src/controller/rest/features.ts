import type { Answer } from '#libs/http';
import { listNamespaces } from '../namespaces/namespaces.js';
import type { Call, CollectionCall, EntityCall, FolderCall, Routes } from './call.js';
import type { Collection, Target } from './target.js';

/** Every feature of the REST API by the collection it serves. */
export class Features {
  constructor(
    readonly apiInfo: () => Answer,
    private readonly routes: Readonly<Record<Collection, Routes>>,
  ) {}

  /** Who serves a method on a target, or undefined: a method nobody serves is no different from a path nobody serves. */
  handler(method: string, target: Target): ((call: Call) => Promise<Answer>) | undefined {
    switch (target.kind) {
      case 'namespaces':
        return method === 'GET' ? (call) => Promise.resolve(listNamespaces(call)) : undefined;
      case 'collection': {
        const serve = this.routes[target.collection].collection?.[method];
        return serve && ((call) => serve(call as CollectionCall));
      }
      case 'folder': {
        const serve = this.routes.actions.folder?.[method];
        return serve && ((call) => serve(call as FolderCall));
      }
      case 'entity': {
        const serve = this.routes[target.collection].entity?.[method];
        return serve && ((call) => serve(call as EntityCall));
      }
      case 'info':
      case 'none':
        return undefined;
    }
  }
}
