/**
 * One JavaScript execution. Started ahead of its request, which it waits for on descriptor 3; the handler's value leaves on descriptor 4 as one letter
 * and a text: V and JSON, E and why it is not JSON, L and how many bytes it would have.
 *
 * Code is run as CommonJS where it can be read so, else as an ES module with `require` at hand, like Node.js itself does with a file of unknown kind.
 */
import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import Module, { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { compileFunction, constants } from 'node:vm';

const REQUEST_FD = 3;
const RESULT_FD = 4;
const MAX_RESULT_BYTES = 262_144;
const FILENAME = '<execution>';
const FIND_HANDLER = "typeof handler === 'function' ? handler : undefined";
/** What V8 says of code that only an ES module may contain; Node.js keeps the same list (`esm_syntax_error_messages`). */
const ONLY_IN_MODULES = [
  'Cannot use import statement outside a module',
  "Unexpected token 'export'",
  "Cannot use 'import.meta' outside a module",
  'await is only valid in async functions and the top level bodies of modules',
];

const resultChannel = fstatSync(RESULT_FD).ino;
const text = readFileSync(REQUEST_FD, 'utf8');
closeSync(REQUEST_FD);
if (text === '') process.exit();
const request = JSON.parse(text);

for (const name of Object.keys(process.env)) if (!(name in request.env)) delete process.env[name];
Object.assign(process.env, request.env);
process.argv = [process.argv[0], FILENAME];

if (request.packages) usePackages(request.packages);
const workspace = process.cwd();
const require = createRequire(join(workspace, 'execution.js'));

try {
  const handler = await load(request.code);
  if (handler !== undefined) deliver(await call(handler));
} catch (error) {
  // The line of a syntax error in a module is shown in Node.js' own last words only.
  if (error instanceof SyntaxError && !/^ *\^/m.test(error.stack)) throw error;
  console.error(describe(error));
  process.exit(1);
}

async function load(code) {
  let script;
  try {
    script = compileFunction(
      `${code}\n;return ${FIND_HANDLER}`,
      ['exports', 'require', 'module', '__filename', '__dirname'],
      {
        filename: FILENAME,
        importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      },
    );
  } catch (error) {
    if (!ONLY_IN_MODULES.some((text) => error.message.includes(text))) throw error;
    return await loadModule(code);
  }
  const module = {
    exports: {},
    require,
    filename: join(workspace, FILENAME),
    loaded: false,
    children: [],
    paths: [],
  };
  const found = script.call(
    module.exports,
    module.exports,
    require,
    module,
    module.filename,
    workspace,
  );
  return pick(module.exports) ?? found;
}

/** The code has no file, so a hook stands in for one in the workspace: its imports resolve as if it lay there. */
async function loadModule(code) {
  const url = pathToFileURL(join(workspace, 'execution.mjs')).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === url ? { url, format: 'module', shortCircuit: true } : next(specifier, context),
    load: (target, context, next) =>
      target === url
        ? {
            format: 'module',
            source: `${code}\n;export const __execution_handler__ = ${FIND_HANDLER}`,
            shortCircuit: true,
          }
        : next(target, context),
  });
  globalThis.require = require;
  const exported = await import(url);
  return pick(exported) ?? exported.__execution_handler__;
}

/** What was installed is looked for last, wherever it is asked for from; what it needs itself it finds beside it. */
function usePackages(folder) {
  // Read by Node.js once, when it booted: before the run and its variables came.
  Module._initPaths();
  const parentURL = pathToFileURL(join(folder, 'execution.mjs')).href;
  registerHooks({
    resolve: (specifier, context, next) => {
      try {
        return next(specifier, context);
      } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^\w+:/.test(specifier)) throw error;
        try {
          return next(specifier, { ...context, parentURL });
        } catch {
          throw error;
        }
      }
    },
  });
}

function pick(exported) {
  const candidates = [exported?.handler, exported?.default?.handler, exported?.default, exported];
  return candidates.find((candidate) => typeof candidate === 'function');
}

function call(handler) {
  const context = makeContext();
  if (handler.length < 3) return handler(request.event, context);
  return new Promise((resolve, reject) => {
    const returned = handler(request.event, context, (error, value) =>
      error ? reject(error) : resolve(value),
    );
    if (typeof returned?.then === 'function') returned.then(resolve, reject);
  });
}

function makeContext() {
  return {
    executionId: request.executionId,
    awsRequestId: request.executionId,
    functionName: 'handler',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, Math.trunc(request.deadlineMs - Date.now())),
  };
}

/** Ends the process as AWS Lambda would: what the handler left running is not waited for. */
function deliver(value) {
  const { text, problem } = toJson(value);
  if (problem !== undefined) {
    console.error(`The return value of handler cannot be written as JSON: ${problem}`);
    send(`E${problem.slice(0, 1024)}`);
    process.exit(1);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_RESULT_BYTES) {
    console.error(
      `The return value of handler is ${bytes} bytes of JSON; at most ${MAX_RESULT_BYTES} are kept`,
    );
    send(`L${bytes}`);
    process.exit(1);
  }
  send(`V${text}`);
  process.exit();
}

function toJson(value) {
  if (value === undefined) return { text: 'null' };
  try {
    const text = JSON.stringify(value);
    return text === undefined ? { problem: `a ${typeof value} has no JSON` } : { text };
  } catch (error) {
    return { problem: `${error.name}: ${error.message}` };
  }
}

function send(text) {
  if (!intact()) throw new Error('the code closed the descriptor that return values leave on');
  const data = Buffer.from(text);
  for (let sent = 0; sent < data.length;) sent += writeSync(RESULT_FD, data, sent);
}

function intact() {
  try {
    return fstatSync(RESULT_FD).ino === resultChannel;
  } catch {
    return false;
  }
}

/** An error as Node.js prints it, without the frames of this file. */
function describe(error) {
  const text = inspect(error);
  if (!(error instanceof Error)) return `Uncaught ${text}`;
  return text
    .split('\n')
    .filter((line) => !/^ +at .*(?:node:internal\/|\/node-runner\.mjs:)/.test(line))
    .join('\n');
}
