/** `aio runtime activation …` and what makes activations. */
import assert from 'node:assert/strict';
import { until } from '../../support/world.js';
import { aio, json, names, proves, record, write, type Activation } from './session.js';

proves('actions are invoked, and their activations are listed and shown with logs and results', async () => {
  await aio('package create', 'runs');
  await aio('action create', 'runs/hello', 'hello.js');
  await aio('action create', 'broken', write('broken.js', "function main() { return { error: 'it broke' }; }"));
  const since = String(Date.now() - 60_000);
  const waited = await json<Activation>('action invoke', 'runs/hello', '--blocking', '--param', 'name', 'aio');
  assert.deepEqual(waited.response.result, { hello: 'aio' });
  assert.deepEqual(await json('action invoke', 'runs/hello', '--result', '--param-file', write('p.json', { name: 'file' })), {
    hello: 'file',
  });
  assert.deepEqual(await json('action invoke', 'broken', '--result'), { error: 'it broke' });
  assert.equal((await json<Activation>('action invoke', 'broken', '--blocking')).response.status, 'application error');
  const { activationId: id } = await json<Activation>('action invoke', 'runs/hello');
  assert.deepEqual((await record(id)).response.result, { hello: 'world' });

  const list = (...flags: string[]): Promise<Activation[]> => json<Activation[]>('activation list', '--json', ...flags);
  await until('all five are listed', async () => (await list()).length >= 5);
  assert.deepEqual(names(await list('broken', '--limit', '1')), ['broken']);
  assert.deepEqual(names(await list('runs/hello', '--since', since)), ['hello', 'hello', 'hello']);
  assert.deepEqual(await list('--upto', since), []);
  assert.ok((await list('broken', '--skip', '1', '--full')).every(({ response }) => response.status === 'application error'));
  // The client repeats what ended with 502, up to three times.
  assert.match(await aio('activation list', 'broken', '--count'), /You have 6 activations/);
  assert.match(await aio('activation list'), new RegExp(`success\\s+nodejs:\\d+\\s.*${id}.*runs/hello`));
  assert.equal((await json<Activation>('activation get', '--last')).activationId, id);
  assert.match(await aio('activation get', id, '--logs'), /^Hello World$/m);
  assert.match(await aio('activation logs', id), /stdout: Hello World/);
  for (const flags of [['--last'], ['--action', 'runs/hello', '--strip'], ['--package', 'runs', '--deployed', '--limit', '9']])
    assert.match(await aio('activation logs', ...flags), /Hello World/);
  assert.deepEqual(await json('activation result', id), (await record(id)).response);
  assert.deepEqual(await json('activation result', '--last'), await json('activation result', id));
  await aio('package delete', 'runs', '--recursive');
  await aio('action delete', 'broken');
});
