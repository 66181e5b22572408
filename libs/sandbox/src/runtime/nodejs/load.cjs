'use strict';
/** Finds the action's function in source text or in a zip. What it throws ends up in the text of a failed init. */
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');
const { openNames } = require('./egress.cjs');

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** The function `main` (`a.b.c` walks into objects) of the code. */
async function load(main, binary, code) {
  const found = binary ? await fromZip(main, code) : fromText(main, code.toString('utf8'));
  if (typeof found !== 'function') throw `Action entrypoint '${main}' is not a function.`;
  return found;
}

/** Source text is the body of a CommonJS module; the function may be declared in it or exported by it. */
function fromText(main, source) {
  if (source.includes('dns')) openNames();
  const [first, ...rest] = main.split('.');
  const module = { exports: {} };
  const filename = path.join(process.cwd(), 'index.js');
  const parameters = ['exports', 'require', 'module', '__filename', '__dirname'];
  const dynamic = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const evaluate = vm.compileFunction(
    `${source}\n;${readsName(first) ? `return typeof ${first} === 'undefined' ? undefined : ${first};` : ''}`,
    parameters,
    {
      filename,
      ...(dynamic === undefined ? {} : { importModuleDynamically: dynamic }),
    },
  );
  const declared = evaluate.call(module.exports, module.exports, createRequire(filename), module, filename, path.dirname(filename));
  const local = walk(declared, rest);
  return typeof local === 'function' ? local : walk(module.exports, [first, ...rest]);
}

/** Whether a text can stand as a variable's name in source. */
function readsName(text) {
  if (!identifier.test(text)) return false;
  try {
    return Boolean(new vm.Script(`(${text})`));
  } catch {
    return false;
  }
}

async function fromZip(main, bytes) {
  openNames();
  const { unpack } = require('./unpack.cjs');
  const folder = fs.mkdtempSync('/tmp/action-');
  await unpack(bytes, folder);
  if (!['package.json', 'index.js', 'index.mjs'].some((name) => fs.existsSync(path.join(folder, name)))) {
    throw 'Zipped actions must contain either package.json or index.js at the root.';
  }
  process.chdir(folder);
  const loaded = await loadModule(folder);
  const steps = main.split('.');
  const direct = walk(loaded, steps);
  return typeof direct === 'function' ? direct : walk(loaded?.default, steps);
}

async function loadModule(folder) {
  const require = createRequire(path.join(folder, 'index.js'));
  const module = path.join(folder, 'index.mjs');
  if (!fs.existsSync(path.join(folder, 'package.json')) && !fs.existsSync(path.join(folder, 'index.js')))
    return import(pathToFileURL(module));
  const entry = require.resolve(folder);
  try {
    return require(entry);
  } catch (error) {
    if (error?.code !== 'ERR_REQUIRE_ESM' && error?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(entry));
  }
}

function walk(from, steps) {
  return steps.reduce((value, step) => (value === undefined || value === null ? undefined : value[step]), from);
}

module.exports = { load };
