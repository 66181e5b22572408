import { Injectable } from '@nestjs/common';
import { Failure, ObjectStore, type Exec, type NamespaceId } from '#libs/domain';
import { NamespaceKeys } from '#libs/storage';
import type { ExecPut } from './exec-put.js';

/** Code of actions: encrypted with the namespace's key and kept once, whatever the number of actions and versions that share it. */
@Injectable()
export class CodeVault {
  constructor(
    private readonly objects: ObjectStore,
    private readonly keys: NamespaceKeys,
  ) {}

  /** Stores the code of a PUT and returns what the action's row keeps of it. Binary code is kept as the bytes its base64 stands for. */
  async store(ns: NamespaceId, exec: ExecPut): Promise<Exec> {
    if (exec.type === 'sequence') return { type: 'sequence', kind: 'sequence', components: exec.components };
    const { binary, main, code } = exec;
    const shared = { binary, ...(main === undefined ? {} : { main }) };
    const kept = await this.keep(ns, Buffer.from(code, binary ? 'base64' : 'utf8'));
    return exec.type === 'code'
      ? { type: 'code', kind: exec.kind, ...shared, ...kept }
      : { type: 'blackbox', kind: 'blackbox', image: exec.image, ...shared, ...kept };
  }

  /** The code of an action as clients send and read it; empty where it has none. */
  async read(ns: NamespaceId, exec: Exec): Promise<string> {
    if (exec.type === 'sequence' || exec.blob === undefined || exec.blob === '') return '';
    const sealed = await this.objects.find(exec.blob);
    if (!sealed) throw new Failure('internal', {}, { fault: 'code-missing' });
    return Buffer.from(await this.keys.openCode(ns, sealed)).toString(exec.binary ? 'base64' : 'utf8');
  }

  private async keep(ns: NamespaceId, code: Buffer): Promise<{ blob: string; codeBytes: number; keyVersion: number }> {
    if (code.length === 0) return { blob: '', codeBytes: 0, keyVersion: 0 };
    const { bytes, address, keyVersion } = await this.keys.sealCode(ns, code);
    if (!(await this.objects.has(address))) await this.objects.put(bytes);
    return { blob: address, codeBytes: code.length, keyVersion };
  }
}
