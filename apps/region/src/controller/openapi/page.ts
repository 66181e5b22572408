import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Answer, AnswerHeaders } from '#libs/http';

/** The files that the page is made of, beside itself. */
export const pageParts = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'start.js'] as const;
/** A file of the page. */
export type PagePart = (typeof pageParts)[number];

/** Nothing is loaded from elsewhere and no script stands in the page; the reader sets styles on what it shows. */
export const pageHeaders: AnswerHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const page = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Swagger UI</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="api"></div>
<noscript>The document itself stands at <a href="/api-docs">/api-docs</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/start.js" defer></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/api-docs', dom_id: '#api', deepLinking: true, docExpansion: 'list', validatorUrl: null });
`;

const own: Readonly<Record<string, string>> = { 'index.html': page, 'start.js': start };

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=UTF-8',
  css: 'text/css; charset=UTF-8',
  js: 'text/javascript; charset=UTF-8',
  png: 'image/png',
};

const kept = new Map<string, Promise<Uint8Array>>();

/** One file of the page. Each is read once and kept: they are few. Rejects with ENOENT where the reader is not installed. */
export async function readPagePart(part: PagePart | 'index.html'): Promise<Answer> {
  const reading = kept.get(part) ?? load(part);
  kept.set(part, reading);
  reading.catch(() => kept.delete(part));
  return { status: 200, headers: {}, type: types[part.split('.').at(-1) ?? ''] ?? 'application/octet-stream', body: await reading };
}

async function load(part: string): Promise<Uint8Array> {
  const text = own[part];
  return text === undefined ? readFile(join(folder(), part)) : Buffer.from(text);
}

function folder(): string {
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
