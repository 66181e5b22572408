/** `aio runtime package …`, `… trigger …` and `… rule …` */
import assert from 'node:assert/strict';
import { guestKey, until } from '../../support/world.js';
import { aio, json, names, proves, record, valueOf, write, type Activation, type Entity, type Named } from './session.js';

proves('packages are made, bound, listed, shown, changed and deleted', async () => {
  const flags = ['--annotation', 'note', 'mine', '--param-file', write('params.json', { b: 2 })];
  await aio('package create', 'tools', '--param', 'name', 'package', '--shared', 'yes', ...flags);
  await aio('action create', 'tools/hello', 'hello.js');
  await aio('package bind', '/guest/tools', 'bound', '--param', 'name', 'binding');
  assert.deepEqual(await json('action invoke', 'tools/hello', '--result'), { hello: 'package' });
  assert.deepEqual(await json('action invoke', 'bound/hello', '--result'), { hello: 'binding' });
  const shown = await json<Entity & { actions: Named[] }>('package get', 'tools');
  assert.deepEqual([shown.publish, names(shown.actions), valueOf(shown.parameters, 'b')], [true, ['hello'], 2]);
  assert.deepEqual((await json<{ binding: object }>('package get', 'bound')).binding, { namespace: 'guest', name: 'tools' });
  assert.match(await aio('package list'), /public\s+package\s+\S+\s+tools/);
  assert.deepEqual(names(await json<Named[]>('package list', '--json', '--limit', '1', '--name')), ['bound']);
  assert.match(await aio('package list', '--count'), /You have 2 packages/);
  assert.ok(names(await json<Named[]>('package list', '/whisk.system', '--json')).includes('utils'));
  assert.match(await aio('action list', 'tools'), /tools\/hello/);
  await aio('package update', 'tools', '--shared', 'no');
  assert.equal((await json<Entity>('package get', 'tools')).publish, false);
  await aio('package delete', 'bound');
  await assert.rejects(aio('package delete', 'tools'), /409 Conflict/);
  assert.equal((await json<Named>('package delete', 'tools', '--recursive', '--json')).name, 'tools');
});

proves('triggers and rules are made, fired, switched, listed, shown, changed and deleted', async () => {
  await aio('action create', 'listener', 'hello.js');
  await aio('trigger create', 'event', '--param', 'name', 'trigger', '--annotation', 'note', 'mine');
  await json('rule create', 'link', 'event', 'listener', '--json');
  assert.equal((await aio('rule status', 'link')).trim(), 'active');
  const { activationId } = await json<Activation>('trigger fire', 'event', '--param', 'name', 'fired');
  assert.deepEqual((await record(activationId)).response.result, { name: 'fired' });
  const heard = (): Promise<Activation[]> => json<Activation[]>('activation list', 'listener', '--full');
  await until('the rule has run the action', async () => (await heard()).length === 1);
  assert.deepEqual((await heard())[0]?.response.result, { hello: 'fired' });

  assert.match(await aio('rule disable', 'link'), /Disabled/);
  assert.equal((await json<{ status: string }>('rule get', 'link')).status, 'inactive');
  assert.match(await aio('rule list'), /inactive\s+\S+\s+link/);
  await assert.rejects(aio('trigger fire', 'none'), /404 Not Found/);
  assert.match(await aio('rule enable', 'link'), /Enabled/);
  assert.match(await aio('trigger list'), /1 active\s+\S+\s+event/);
  assert.match(await aio('rule list', '--count'), /You have 1 rule /);
  assert.match(await aio('trigger list', '--count'), /You have 1 trigger /);
  await aio('trigger update', 'event', '--param', 'name', 'changed');
  assert.equal(valueOf((await json<Entity>('trigger get', '/guest/event')).parameters, 'name'), 'changed');
  await aio('action create', 'other', 'hello.js');
  await json('rule update', 'link', 'event', 'other', '--json');
  assert.equal((await json<{ action: Named }>('rule get', 'link')).action.name, 'other');
  await aio('rule delete', 'link');
  await aio('trigger delete', '/guest/event');
  for (const name of ['listener', 'other']) await aio('action delete', name);
});

proves('a trigger of a feed is made and deleted with it', async () => {
  const feed = '/whisk.system/alarms/alarm';
  await aio('trigger create', 'nightly', '--feed', feed, '--param', 'cron', '0 3 * * *');
  assert.equal(valueOf((await json<Entity>('trigger get', 'nightly')).annotations, 'feed'), feed);
  const event = { authKey: guestKey, triggerName: '/_/nightly', lifecycleEvent: 'READ' };
  const alarm = (): Promise<unknown> => json('action invoke', feed, '--result', '--param-file', write('read.json', event));
  assert.equal(((await alarm()) as { config?: { cron: string } }).config?.cron, '0 3 * * *');
  await aio('trigger delete', 'nightly');
  assert.ok('error' in ((await alarm()) as object));
});
