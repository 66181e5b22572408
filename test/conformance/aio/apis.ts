/** `aio runtime api …` */
import assert from 'node:assert/strict';
import { aio, proves, write } from './session.js';

proves('an API is made, listed, shown and deleted, from arguments and from a file', async () => {
  await aio('action create', 'behind', 'web.js', '--web', 'true');
  const url = (await aio('api create', '/pets', '/{name}', 'get', 'behind', '--response-type', 'http', '--apiname', 'Pets')).trim();
  assert.match(url, /^http:\/\/[^/]+\/apis\/guest\/pets\/\{name\}$/);
  assert.deepEqual(await (await fetch(url.replace('{name}', 'dog'))).json(), { path: '/pets/dog', raw: false });
  assert.match(await aio('api list'), /get\s+Pets\s+http\S+\/apis\/guest\/pets\/\{name\}/);
  assert.match(await aio('api list', '/pets', '/{name}', 'get', '--limit', '5', '--skip', '0'), /Pets/);
  assert.match(await aio('api list', '--json'), /"basePath": "\/pets"/);
  const file = write('pets.json', await aio('api get', 'Pets'));
  await aio('api delete', '/pets', '/{name}', 'get');
  assert.doesNotMatch(await aio('api list'), /Pets/);
  assert.equal(`${(await aio('api create', '--config-file', file)).trim()}/{name}`, url);
  assert.equal((await fetch(url.replace('{name}', 'cat'))).status, 200);
  await aio('api delete', 'Pets');
  await assert.rejects(aio('api delete', 'Pets'), /does not exist/);
  await aio('action delete', 'behind');
});
