/** `aio runtime namespace …`, `aio runtime property …` and the help of each topic. */
import assert from 'node:assert/strict';
import { guestKey } from '../../support/world.js';
import { aio, commands, json, ledger, mayBeRefused, names, proves, read, world, write, type Named } from './session.js';

proves('every topic tells its commands', async () => {
  const listed = await commands();
  const topics = listed.filter((each) => listed.some((other) => other.startsWith(`${each} `)));
  for (const topic of topics.filter((each) => !/ (deploy|set)$/.test(each))) {
    const help = await aio(topic.replace(/^runtime ?/, ''));
    for (const command of listed.filter((each) => each.startsWith(`${topic} `) && !each.slice(topic.length + 1).includes(' ')))
      assert.ok(help.includes(command), `${topic} does not tell of ${command}`);
  }
});

proves('the namespaces of a key are listed, and what is in one is shown', async () => {
  assert.deepEqual(await json('namespace list', '--json'), ['guest']);
  assert.match(await aio('namespace list'), /^ guest\s*$/m);
  await aio('action create', 'shown', 'hello.js');
  await aio('trigger create', 'event');
  await aio('rule create', 'link', 'event', 'shown');
  const all = await json<Record<string, (Named & { status?: string })[]>>('namespace get', '--json', '--name');
  assert.deepEqual([names(all['actions'] ?? []), names(all['triggers'] ?? [])], [['shown'], ['event']]);
  assert.deepEqual(
    all['rules']?.map(({ name, status }) => [name, status]),
    [['link', 'active']],
  );
  assert.match(await aio('namespace get'), /\/guest\/shown\s+private\s+nodejs:\d+/);
  await aio('rule delete', 'link');
  await aio('trigger delete', 'event');
  await aio('action delete', 'shown');
});

proves('a namespace says where its logs go, and is told where to send them', async () => {
  assert.deepEqual(await json('namespace log-forwarding get'), { adobe_io_runtime: {} });
  assert.match(await aio('namespace log-forwarding errors'), /No log forwarding errors .*'adobe_io_runtime'/);
  const destinations = {
    'azure-log-analytics': ['--customer-id', 'customer', '--shared-key', 'c2VjcmV0', '--log-type', 'isochrone'],
    'new-relic': ['--base-uri', 'https://logs.example.com/log/v1', '--license-key', 'secret'],
    'splunk-hec': ['--host', 'logs.example.com', '--port', '443', '--index', 'main', '--hec-token', 'secret'],
    'adobe-io-runtime': [],
  };
  for (const [name, flags] of Object.entries(destinations)) {
    const command = `namespace log-forwarding set ${name}`;
    if (!(await mayBeRefused(command, ...flags))) continue;
    assert.deepEqual(Object.keys(await json<object>('namespace log-forwarding get')), [name.replaceAll('-', '_')]);
    const errors = await aio('namespace log-forwarding errors');
    if (!errors.startsWith('Log forwarding errors')) continue;
    const [first = ''] = JSON.parse(errors.slice(errors.indexOf('['))) as string[];
    ledger.differs(`runtime ${command}`, first);
  }
  await mayBeRefused('namespace log-forwarding set'); // asks at a terminal
});

proves('properties are shown, kept and dropped', async () => {
  write('.wskprops', 'APIVERSION=v1\n');
  const shown = await aio('property get');
  for (const value of [world.url, guestKey, 'guest', 'v1']) assert.ok(shown.includes(value));
  const { build, buildno } = (await (await fetch(`${world.url}/api/v1`)).json()) as { build: string; buildno: string };
  assert.match(await aio('property get', '--apibuild'), new RegExp(`whisk API build version +${build}`));
  assert.match(await aio('property get', '--apibuildno'), new RegExp(`whisk API build number +${buildno}`));
  await aio('property set', '--namespace', 'other');
  assert.match(read('.wskprops'), /^NAMESPACE=other$/m);
  await aio('property unset', '--namespace');
  assert.doesNotMatch(read('.wskprops'), /NAMESPACE/);
});
