import { cp, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

/** CommonJS packages ask for Node's own modules with `require`, which a module does not have. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;

const ROOT = resolve(import.meta.dirname, '..');
/** What `api-shim/docs.ts` serves; the package has 12 MB more. */
const SWAGGER_UI = ['package.json', 'swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

/** What each image's folder is made of. */
const COMPONENTS = {
  operator: async (outDir: string) => {
    await bundle({ main: 'operator/main.ts', drain: 'operator/drain.ts' }, outDir);
    // The bundle looks for them beside itself, as the source does.
    await cp(join(ROOT, 'storage/history/migrations'), join(outDir, 'migrations'), {
      recursive: true,
    });
  },
  'api-shim': async (outDir: string) => {
    await bundle({ main: 'api-shim/main.ts' }, outDir);
    await copySwaggerUi(join(outDir, 'node_modules/swagger-ui-dist'));
  },
} satisfies Record<string, (outDir: string) => Promise<void>>;

/**
 * Makes NAME.mjs of each entry point: one file with all that it imports. Without a source map, which Node.js would read whole at the first error and keep for good: 110 MB
 * for the operator, more than its caches hold of ten thousand sandboxes. Names stay as they are: they end up in logs.
 */
async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outDir: string,
): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints,
    // Nothing is written there.
    outdir: '.',
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: REQUIRE },
    // Node.js keeps the text as long as it runs, with two bytes for every character once one of them, in a comment say, is none of Latin-1: 15 MB for the operator, and 5 so.
    minifyWhitespace: true,
    charset: 'ascii',
    // What is thrown should not print a page.
    lineLimit: 160,
    legalComments: 'none',
    logLevel: 'warning',
  });
  await mkdir(outDir, { recursive: true });
  for (const { path, contents } of outputFiles) {
    await writeFile(join(outDir, basename(path)), contents);
  }
}

async function copySwaggerUi(target: string): Promise<void> {
  const source = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  await Promise.all(SWAGGER_UI.map((file) => cp(join(source, file), join(target, file))));
}

const [, , component, outDir] = process.argv;
const make = Object.entries(COMPONENTS).find(([name]) => name === component)?.[1];
if (make === undefined || outDir === undefined) {
  throw new Error(`usage: node images/bundle.ts ${Object.keys(COMPONENTS).join('|')} FOLDER`);
}
await make(resolve(outDir));
