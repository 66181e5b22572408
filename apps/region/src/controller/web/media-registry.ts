import type { MediaType } from '#libs/http';

/** Registered media types whose bodies are text, as Pekko HTTP has them; every other registered type is binary, `image/svg+xml` included. */
const texts = new Set(
  [
    ['application', 'json json-patch+json merge-patch+json problem+json vnd.api+json javascript xml xml-dtd xhtml+xml atom+xml rss+xml'],
    ['application', 'soap+xml problem+xml vnd.google-earth.kml+xml x-www-form-urlencoded base64 x-latex x-vrml'],
    ['text', 'plain html css csv xml markdown calendar cache-manifest event-stream tab-separated-values uri-list richtext asp mcf'],
    [
      'text',
      'vnd.wap.wml vnd.wap.wmlscript x-asm x-c x-component x-h x-java-source x-pascal x-script x-scriptcsh x-scriptelisp x-scriptksh',
    ],
    [
      'text',
      'x-scriptlisp x-scriptperl x-scriptperl-module x-scriptphyton x-scriptrexx x-scriptscheme x-scriptsh x-scripttcl x-scripttcsh',
    ],
    ['text', 'x-scriptzsh x-server-parsed-html x-setext x-sgml x-speech x-uuencode x-vcalendar x-vcard'],
  ].flatMap(([main, subs]) => (subs ?? '').split(' ').map((sub) => `${main}/${sub}`)),
);

/** Main types of which every registered subtype is binary; of `application` those that are not in the table above. */
const binaryMains = new Set(['image', 'audio', 'video', 'font', 'message', 'multipart']);

/** Types that bear no charset parameter, as their charset is fixed. */
const fixedCharset = new Set(['text/event-stream', 'application/x-www-form-urlencoded']);

/** Whether bodies of a type travel as base64. An unknown type does, unless a charset says that it is text. */
export function isBinaryType(type: MediaType): boolean {
  if (texts.has(type.full)) return false;
  return type.charset === undefined || binaryMains.has(type.main) || registeredBinary.has(type.full);
}

/** The type as an answer names it: text gets the charset it is sent in, whatever the action said. */
export function renderedType(type: MediaType): string {
  const fixed = fixedCharset.has(type.full) || (texts.has(type.full) && (type.full === 'application/json' || type.full.endsWith('+json')));
  return fixed ? type.full : `${type.full}; charset=UTF-8`;
}

/** The best known `application` types that are binary even with a charset. */
const registeredBinary = new Set(
  'octet-stream pdf zip gzip msword java-archive postscript rtf x-7z-compressed x-gzip x-tar x-zip-compressed grpc wasm cbor'
    .split(' ')
    .map((sub) => `application/${sub}`),
);
