import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accepts, checkAcceptable } from './accept.js';
import { bareAnswer, emptyAnswer, jsonAnswer } from './answer.js';
import { toJsonText } from '#libs/domain';

test('a media type is accepted by itself, by its range, by everything and by silence', () => {
  for (const header of ['application/json', 'application/*', '*/*', undefined, '', 'text/html, application/json;q=0.1']) {
    assert.equal(accepts(header, 'application/json'), true, header);
  }
  assert.equal(accepts('text/plain', 'application/json'), false);
  assert.equal(accepts('*/*, application/json;q=0', 'application/json'), false);
  assert.equal(accepts('text/*', 'text/html; charset=UTF-8'), true);
});

test('only successful answers with a body can be unacceptable', () => {
  assert.throws(() => checkAcceptable('text/plain', jsonAnswer(200, toJsonText({}))), {
    message: 'Resource representation is only available with these types:\napplication/json',
  });
  checkAcceptable('text/plain', jsonAnswer(404, toJsonText({})));
  checkAcceptable('image/png', emptyAnswer(204));
  checkAcceptable('application/json', bareAnswer(200, 'OK'));
});
