import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ledger, page, readFindings, type Findings } from './compatibility.js';

const findings = (client: string, version: string): Findings => ({
  client,
  version,
  driven: 'By a test.',
  fared: [{ command: 'list', outcome: 'works', note: '' }],
});

test('a ledger keeps what differs, and knows what nobody noted', () => {
  const folder = mkdtempSync(join(tmpdir(), 'isochrone-ledger-'));
  try {
    const ledger = new Ledger('some client', '1.0.0', 'By a test.');
    ledger.differs('b', 'it is another');
    ledger.works('b');
    ledger.works('a');
    ledger.notOffered('c', 'no reason');
    assert.deepEqual(ledger.missing(['a', 'b', 'd']), ['d']);
    ledger.save(folder);
    assert.deepEqual(readFindings(folder), [
      {
        client: 'some client',
        version: '1.0.0',
        driven: 'By a test.',
        fared: [
          { command: 'a', outcome: 'works', note: '' },
          { command: 'b', outcome: 'differs', note: 'it is another' },
          { command: 'c', outcome: 'not offered', note: 'no reason' },
        ],
      },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a page takes over what was found anew and keeps what it says of clients that were not there', () => {
  const before = page('', [findings('aio', '1.0.0'), findings('wsk', '1.0.0')]);
  const after = page(before, [findings('wsk', '2.0.0')]);
  assert.deepEqual(after.match(/^## .*$/gm), ['## aio 1.0.0', '## wsk 2.0.0']);
  assert.equal(page(after, [findings('wsk', '2.0.0')]), after);
});
