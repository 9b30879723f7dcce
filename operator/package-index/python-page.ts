import { z } from 'zod';
import { type Anchor, anchorsIn } from './anchors.ts';
import { type Digest, type IndexPage, type Link, isFileName } from './page.ts';

/** Pages of the simple repository API: https://packaging.python.org/en/latest/specifications/simple-repository-api/ */

export const PYTHON_PAGE_TYPES =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';
const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const METADATA_SUFFIX = '.metadata';
/** Far more than any project has; each is checked by itself. */
const MAX_FILES = 50_000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/i);
const hashes = z.record(z.string(), z.string());
const metadata = z.union([z.boolean(), hashes]);

const file = z.object({
  filename: z.string(),
  url: z.string(),
  hashes: hashes.default({}),
  'requires-python': z.string().nullish(),
  'core-metadata': metadata.optional(),
  'dist-info-metadata': metadata.optional(),
  yanked: z.union([z.boolean(), z.string()]).optional(),
  size: z.int().min(0).optional(),
  'upload-time': z.string().nullish(),
});
type PythonFile = z.infer<typeof file>;

const page = z.object({ files: z.array(z.unknown()).max(MAX_FILES) });

/** Reads either form of a page. `url` is where it came from; `filesAt` where an installer finds the files. */
export function pythonPage(
  text: string,
  { contentType, url, name }: { contentType: string; url: URL; name: string },
): IndexPage {
  const files = contentType.includes('json')
    ? filesInJson(text)
    : anchorsIn(text).map(fileOfAnchor);
  const usable = files.flatMap((one) => {
    const address = URL.parse(one.url, url.href);
    return address !== null && isFileName(one.filename) ? [{ ...one, url: address.href }] : [];
  });
  return {
    contentType: JSON_TYPE,
    body: JSON.stringify({
      meta: { 'api-version': '1.0' },
      name,
      files: usable.map((one) => ({ ...one, url: `../../files/${name}/${one.filename}` })),
    }),
    links: Object.fromEntries(usable.flatMap(linksOf)),
  };
}

/** One file that cannot be understood takes no other with it. */
function filesInJson(text: string): readonly PythonFile[] {
  return page.parse(JSON.parse(text)).files.flatMap((one) => {
    const parsed = file.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
}

function fileOfAnchor({ href, attributes, text }: Anchor): PythonFile {
  const [url = '', fragment = ''] = href.split('#', 2);
  const core = attributes['data-core-metadata'] ?? attributes['data-dist-info-metadata'];
  const { 'data-requires-python': requires, 'data-yanked': yanked } = attributes;
  return {
    filename: text,
    url,
    hashes: hashOf(fragment),
    ...(requires !== undefined && { 'requires-python': requires }),
    ...(core !== undefined && { 'core-metadata': core === 'true' ? true : hashOf(core) }),
    ...(yanked !== undefined && { yanked: yanked === '' ? true : yanked }),
  };
}

function hashOf(text: string): Record<string, string> {
  const [, algorithm, hex] = /^(sha256|sha384|sha512|md5)=([0-9a-f]+)$/i.exec(text) ?? [];
  return algorithm === undefined || hex === undefined ? {} : { [algorithm.toLowerCase()]: hex };
}

function linksOf(one: PythonFile): [string, Link][] {
  const own: [string, Link] = [one.filename, linkTo(one.url, one.hashes)];
  const core = one['core-metadata'] ?? one['dist-info-metadata'] ?? false;
  if (core === false) return [own];
  const url = new URL(one.url);
  url.hash = '';
  url.pathname += METADATA_SUFFIX;
  const known = core === true ? {} : core;
  return [own, [`${one.filename}${METADATA_SUFFIX}`, linkTo(url.href, known)]];
}

function linkTo(url: string, known: Readonly<Record<string, string>>): Link {
  const hex = sha256.safeParse(known['sha256']);
  if (!hex.success) return { url };
  const digest: Digest = { algorithm: 'sha256', hex: hex.data.toLowerCase() };
  return { url, digest };
}
