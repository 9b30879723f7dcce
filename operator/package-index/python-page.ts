import { Parser } from 'htmlparser2';
import { z } from 'zod';
import { type Digest, type IndexPage, type Link, isFileName } from './page.ts';

/** Pages of the simple repository API: https://packaging.python.org/en/latest/specifications/simple-repository-api/ */

export const PYTHON_PAGE_TYPES =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';
const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const METADATA_SUFFIX = '.metadata';
/** Far more than any project has; each is checked by itself. */
const MAX_FILES = 50_000;
/** Of a tag, which is held whole. */
const MAX_ATTRIBUTES = 100;

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
  const files = contentType.includes('json') ? filesInJson(text) : filesInHtml(text);
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

function filesInHtml(text: string): readonly PythonFile[] {
  const files: PythonFile[] = [];
  let open: Record<string, string> | undefined;
  let words = '';
  let attributeCount = 0;
  const parser = new Parser({
    onopentagname: () => {
      attributeCount = 0;
    },
    onattribute: () => {
      attributeCount += 1;
      if (attributeCount > MAX_ATTRIBUTES) throw new RangeError('a tag has too many attributes');
    },
    onopentag: (tag, attributes) => {
      if (tag !== 'a') return;
      open = attributes;
      words = '';
    },
    ontext: (piece) => {
      words += piece;
    },
    onclosetag: (tag) => {
      const href = open?.['href'];
      if (files.length > MAX_FILES) throw new RangeError('a page links to too many files');
      if (tag === 'a' && href !== undefined) files.push(fileOfAnchor(words.trim(), href, open));
      if (tag === 'a') open = undefined;
    },
  });
  parser.write(text);
  parser.end();
  return files;
}

function fileOfAnchor(
  filename: string,
  href: string,
  attributes: Readonly<Record<string, string>> = {},
): PythonFile {
  const [url = '', fragment = ''] = href.split('#', 2);
  const found = hashOf(fragment);
  const core = attributes['data-core-metadata'] ?? attributes['data-dist-info-metadata'];
  const { 'data-requires-python': requires, 'data-yanked': yanked } = attributes;
  return {
    filename,
    url,
    hashes: found,
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
