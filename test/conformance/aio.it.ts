/** Adobe's unmodified runtime plugin for `aio`: every command that it has, as `aio runtime …` runs it, against the router of a world. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import './aio/actions.js';
import './aio/activations.js';
import './aio/entities.js';
import './aio/apis.js';
import './aio/deploy.js';
import './aio/settings.js';
import { commands, ledger, world } from './aio/session.js';

test('every command that it lists was run', async () => assert.deepEqual(ledger.missing(await commands()), []));

test('every answer was as the document describes it', async () => assert.deepEqual(await world.departures(), []));
