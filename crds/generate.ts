import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { KINDS } from './definitions.ts';
import { crdManifest, type CrdManifest } from './manifest.ts';

/** `npm run generate` writes `manifests/*.yaml` from the zod schemas; with `--check` it only tells whether they are up to date. */

const HEADER = '# Generated from the zod schemas in crds/ by `npm run generate`. Do not edit.\n';

/** File names and texts of all manifests: the same schemas give the same bytes. */
export function manifestFiles(): ReadonlyMap<string, string> {
  return new Map(KINDS.map(crdManifest).map((manifest) => [fileName(manifest), text(manifest)]));
}

/** Names of files in `folder` that are missing, stale or of no kind of ours. */
export async function driftedFiles(folder: URL): Promise<string[]> {
  const wanted = manifestFiles();
  const present = new Set(await readdir(folder).catch(() => []));
  const drifted = [...present].filter((name) => !wanted.has(name));
  for (const [name, text] of wanted) {
    if (!present.has(name) || (await readFile(new URL(name, folder), 'utf8')) !== text) {
      drifted.push(name);
    }
  }
  return drifted;
}

function fileName(manifest: CrdManifest): string {
  return `${manifest.spec.names.plural}.yaml`;
}

function text(manifest: CrdManifest): string {
  return (
    HEADER + stringify(manifest, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
  );
}

async function write(folder: URL): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of manifestFiles()) await writeFile(new URL(name, folder), text);
}

async function check(folder: URL): Promise<void> {
  const drifted = await driftedFiles(folder);
  for (const name of drifted) console.error(`crds/manifests/${name} is not what the schemas say`);
  if (drifted.length > 0) {
    console.error('run `make generate` and commit what it wrote');
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('manifests/', import.meta.url);
  await (process.argv.includes('--check') ? check(folder) : write(folder));
}
