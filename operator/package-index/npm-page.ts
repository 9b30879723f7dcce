import { z } from 'zod';
import { type Digest, type IndexPage, type Link, isFileName } from './page.ts';

/** Package documents of an npm registry: https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */

export const NPM_PAGE_TYPES = 'application/vnd.npm.install-v1+json, application/json;q=0.8';
const CONTENT_TYPE = 'application/vnd.npm.install-v1+json';
/** Nobody is asked for it: npm puts the address of its registry in the place of any host. */
const ANY_HOST = 'http://index.invalid';

const packageVersion = z.looseObject({
  dist: z.looseObject({ tarball: z.string(), integrity: z.string().optional() }),
});
/** Far more than any package has; each is checked by itself. */
const MAX_VERSIONS = 50_000;
const document = z.looseObject({
  versions: z
    .record(z.string(), z.unknown())
    .refine((versions) => Object.keys(versions).length <= MAX_VERSIONS),
});

/** Reads the document of the package `name`; tarballs are then asked for below that name. */
export function npmPage(text: string, { url, name }: { url: URL; name: string }): IndexPage {
  const parsed = document.parse(JSON.parse(text));
  const links: [string, Link][] = [];
  const versions = Object.entries(parsed.versions).flatMap(([version, given]) => {
    const found = packageVersion.safeParse(given);
    const address = found.success ? URL.parse(found.data.dist.tarball, url.href) : null;
    const filename = address?.pathname.split('/').at(-1) ?? '';
    if (!found.success || address === null || !isFileName(filename)) return [];
    const { dist } = found.data;
    links.push([filename, linkTo(address.href, dist.integrity)]);
    const tarball = `${ANY_HOST}/${name}/-/${filename}`;
    return [[version, { ...found.data, dist: { ...dist, tarball } }] as const];
  });
  const body = JSON.stringify({ ...parsed, versions: Object.fromEntries(versions) });
  return { contentType: CONTENT_TYPE, body, links: Object.fromEntries(links) };
}

function linkTo(url: string, integrity = ''): Link {
  const [, base64] = /(?:^|\s)sha512-([A-Za-z0-9+/]{86}==)/.exec(integrity) ?? [];
  if (base64 === undefined) return { url };
  const digest: Digest = {
    algorithm: 'sha512',
    hex: Buffer.from(base64, 'base64').toString('hex'),
  };
  return { url, digest };
}
