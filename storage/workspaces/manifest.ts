import { z } from 'zod';

/** What is stored of a file beside its bytes. */
const manifestFile = z.object({
  path: z.string(),
  size: z.int().min(0),
  modifiedAt: z.iso.datetime(),
  /** As the executor told it when the bytes were read: the same version need not be stored again. */
  version: z.string(),
  executable: z.boolean(),
});
export type ManifestFile = z.infer<typeof manifestFile>;

const manifest = z.object({ files: z.array(manifestFile) });
/** What is stored of a session: written after its files, and so the word on what they are. */
export type Manifest = z.infer<typeof manifest>;

export const NOTHING: Manifest = { files: [] };

/** Undefined: this is none. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    return manifest.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
