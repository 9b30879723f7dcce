import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { KINDS } from './definitions.ts';
import { crdManifest, type CrdManifest } from './manifest.ts';

/** Writes `manifests/*.yaml` from the zod schemas; run by `npm run generate`. */

const HEADER = '# Generated from the zod schemas in crds/ by `npm run generate`. Do not edit.\n';

/** The text of a manifest's file: the same input gives the same bytes. */
export function manifestFile(manifest: CrdManifest): string {
  return HEADER + stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The name of a manifest's file. */
export function manifestFileName(manifest: CrdManifest): string {
  return `${manifest.spec.names.plural}.yaml`;
}

async function generate(folder: URL): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const manifest of KINDS.map(crdManifest)) {
    await writeFile(new URL(manifestFileName(manifest), folder), manifestFile(manifest));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await generate(new URL('manifests/', import.meta.url));
