import { cp, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build as bundle } from 'esbuild';

const SCRIPTS = ['launcher.py', 'python_runner.py', 'node-runner.mjs'];

/**
 * Makes a folder with everything that the executor needs to run as `node --disable-sigusr1 executor.mjs`: the daemon in one file, the scripts that it
 * starts, and koffi, whose machine code cannot be bundled.
 */
export async function build(outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  await Promise.all([
    bundle({
      entryPoints: [join(import.meta.dirname, 'main.ts')],
      outfile: join(outDir, 'executor.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      external: ['koffi/indirect'],
      legalComments: 'none',
      logLevel: 'warning',
    }),
    ...SCRIPTS.map((script) => cp(join(import.meta.dirname, script), join(outDir, script))),
    copyKoffi(outDir),
  ]);
}

async function copyKoffi(outDir: string): Promise<void> {
  const koffi = dirname(createRequire(import.meta.url).resolve('koffi'));
  const machineCode = `@koromix/koffi-${process.platform}-${process.arch}`;
  const target = join(outDir, 'node_modules');
  const parts = ['package.json', 'indirect.js', 'src/koffi/indirect.js', 'LICENSE.txt'];
  await Promise.all([
    ...parts.map((part) => cp(join(koffi, part), join(target, 'koffi', part))),
    cp(join(koffi, '..', machineCode), join(target, machineCode), { recursive: true }),
  ]);
}

const [, script, outDir] = process.argv;
if (script !== undefined && import.meta.filename === resolve(script)) {
  if (outDir === undefined) throw new Error('usage: node executor/build.ts FOLDER');
  await build(outDir);
}
