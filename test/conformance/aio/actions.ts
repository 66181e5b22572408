/** `aio runtime action …` */
import assert from 'node:assert/strict';
import { zipOf } from '../../support/sandboxes.js';
import { aio, hello, json, names, proves, read, valueOf, world, write, type Entity, type Named } from './session.js';

interface Action extends Entity {
  readonly exec: { readonly kind: string; readonly components?: readonly string[] };
  readonly limits: object;
}

proves('actions are made with everything that can be said of one, shown, changed, listed, copied and deleted', async () => {
  const told = ['--param', 'a', '1', '--param-file', write('params.json', { b: { c: [2] } }), '--env', 'COLOUR', 'blue'];
  const notes = ['--annotation', 'note', 'mine', '--annotation-file', write('notes.json', { more: true })];
  const limits = ['--timeout', '30000', '--memory', '512', '--logsize', '2', '--concurrency', '3'];
  const made = await json<Action>(
    'action create', 'full', 'hello.js', '--kind', 'nodejs:20', '--main', 'main', '--json', ...told, ...notes, ...limits,
  ); // prettier-ignore
  assert.deepEqual(made.limits, { timeout: 30_000, memory: 512, logs: 2, concurrency: 3 });
  const shown = await json<Action>('action get', 'full');
  assert.equal(shown.exec.kind, 'nodejs:20');
  assert.deepEqual(
    new Map(shown.parameters.map(({ key, value, init = false }) => [key, { value, init }])),
    new Map<string, unknown>([
      ['a', { value: '1', init: false }],
      ['b', { value: { c: [2] }, init: false }],
      ['COLOUR', { value: 'blue', init: true }],
    ]),
  );
  assert.deepEqual([valueOf(shown.annotations, 'note'), valueOf(shown.annotations, 'more')], ['mine', true]);
  assert.equal((await aio('action get', 'full', '--code')).trim(), hello);
  await aio('action get', 'full', '--save');
  await aio('action get', 'full', '--save-as', 'saved.js');
  assert.deepEqual([read('full.js'), read('saved.js')], [hello, hello]);
  assert.equal((await aio('action get', 'full', '--url')).trim(), `${world.url}/api/v1/namespaces/guest/actions/full`);

  await aio('action update', 'full', '--env-file', write('env.json', { COLOUR: 'red' }), '--memory', '256');
  assert.deepEqual(await json('action invoke', 'full', '--result'), { hello: 'world', colour: 'red' });
  await aio('action create', 'copy', '--copy', 'full');
  assert.equal((await aio('action get', 'copy', '--code')).trim(), hello);

  await aio('action create', 'both', '--sequence', 'full,copy');
  assert.deepEqual((await json<Action>('action get', 'both')).exec.components, ['/guest/full', '/guest/copy']);
  assert.deepEqual(await json('action invoke', 'both', '--result'), { hello: 'world', colour: 'red' });

  write('zipped.zip', await zipOf({ 'package.json': '{"main":"app.js"}', 'app.js': 'exports.main = () => ({ zipped: true });' }));
  await aio('action create', 'zipped', 'zipped.zip', '--kind', 'nodejs:default');
  assert.deepEqual(await json('action invoke', 'zipped', '--result'), { zipped: true });
  await aio('action get', 'zipped', '--save-as', 'back.zip');
  assert.equal(read('back.zip'), read('zipped.zip'));

  assert.deepEqual(names(await json<Named[]>('action list', '--json', '--name')), ['both', 'copy', 'full', 'zipped']);
  assert.deepEqual(names(await json<Named[]>('action list', '--json', '--limit', '1', '--skip', '1')), ['both']);
  assert.match(await aio('action list', '--count'), /You have 4 actions/);
  assert.match(await aio('action list'), /private\s+sequence\s+0\.0\.1\s+both/);
  await assert.rejects(aio('action create', 'full', 'hello.js'), /resource already exists \(409 Conflict\)/);
  await assert.rejects(aio('action get', 'none'), /404 Not Found/);
  assert.equal((await json<Named>('action delete', 'both', '--json')).name, 'both');
  for (const name of ['copy', 'full', 'zipped']) await aio('action delete', name);
  assert.deepEqual(await json('action list', '--json'), []);
});

proves('web actions are reached where `action get --url` says, raw ones and secured ones too', async () => {
  const urls = new Map<string, string>();
  const kinds = { open: ['true'], raw: ['raw'], closed: ['true', '--web-secure', 'secret'] };
  for (const [name, flags] of Object.entries(kinds)) {
    await aio('action create', name, 'web.js', '--web', ...flags);
    urls.set(name, (await aio('action get', name, '--url')).trim());
  }
  const ask = (name: string, headers = {}): Promise<Response> =>
    fetch(`${urls.get(name)}.json/x`, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json', ...headers } });
  assert.equal(urls.get('open'), `${world.url}/api/v1/web/guest/default/open`);
  assert.deepEqual(await (await ask('open')).json(), { body: { path: '/x', raw: false } });
  assert.deepEqual(await (await ask('raw')).json(), { body: { path: '/x', raw: true } });
  assert.equal((await ask('closed')).status, 401);
  assert.equal((await ask('closed', { 'x-require-whisk-auth': 'secret' })).status, 200);
  await aio('action update', 'open', '--web', 'no');
  assert.equal((await ask('open')).status, 404);
  for (const name of urls.keys()) await aio('action delete', name);
});
