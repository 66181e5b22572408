import { type ActivationResponse } from '#libs/domain';
import { exactText, isObject, jsonType, parseExact, prettyText, textType, type Answer, type ExactJson } from '#libs/http';
import { httpAnswer } from './http-response.js';
import { invalidAs, type Untold } from './untold.js';
import type { Extension } from './web-target.js';

const htmlType = 'text/html; charset=UTF-8';

/** What a web action's response becomes under an extension. An application error shows the value of its `error` in place of the result. */
export function transcode(response: ActivationResponse, extension: Extension): Answer | Untold {
  if (response.statusCode > 1) return { status: 400, error: 'There was an error processing your request.' };
  const result = parseExact(response.result ?? '{}');
  const value = response.statusCode === 1 && isObject(result) ? (result['error'] ?? null) : result;
  switch (extension) {
    case 'json':
      return isObject(value) || Array.isArray(value) ? shown(jsonType, prettyText(value)) : invalidAs(jsonType);
    case 'html':
      return text(field(value, 'html'), htmlType, 'text/html');
    case 'svg':
      return text(field(value, 'svg'), 'image/svg+xml', 'image/svg+xml');
    case 'text': {
      const given = field(value, 'text');
      if (given === undefined) return { status: 404, error: 'Response does not include requested property.' };
      return shown(
        textType,
        typeof given === 'string' ? given : isObject(given) || Array.isArray(given) ? prettyText(given) : exactText(given),
      );
    }
    case 'http':
      return httpAnswer(value);
  }
}

/** `body`, else the field named like the extension; a value that is no object stands for itself. */
function field(value: ExactJson, name: 'html' | 'svg' | 'text'): ExactJson | undefined {
  if (!isObject(value)) return value;
  return value['body'] === undefined ? value[name] : value['body'];
}

function text(value: ExactJson | undefined, type: string, bare: string): Answer | Untold {
  return typeof value === 'string' ? shown(type, value) : invalidAs(bare);
}

function shown(type: string, body: string): Answer {
  return { status: 200, headers: {}, type, body };
}
