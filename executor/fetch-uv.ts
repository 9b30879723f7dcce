import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

/** https://github.com/astral-sh/uv, of which sandboxes have a copy each; the digests say that it is the one which was tried. */
const VERSION = '0.13.9';
const WHEELS: Readonly<Record<string, { readonly file: string; readonly sha256: string }>> = {
  x64: {
    file: `uv-${VERSION}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`,
    sha256: 'd7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19',
  },
  arm64: {
    file: `uv-${VERSION}-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl`,
    sha256: '5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe',
  },
};
const DEFAULT_INDEX = 'https://pypi.org/simple/';
const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';

const page = z.object({
  files: z.array(z.object({ filename: z.string(), url: z.string() })),
});

/** Sees to it that there is a `uv` of the pinned version, and returns its path: below `folder`, fetched from a Python package index if it is not there yet. */
export async function fetchUv(folder: string, index = DEFAULT_INDEX): Promise<string> {
  const known = findUv(folder);
  if (known !== undefined) return known;
  const place = placeIn(folder);
  const program = join(place, 'uv');
  await mkdir(place, { recursive: true });
  const work = await mkdtemp(join(place, 'fetch-'));
  try {
    const wheel = join(work, 'uv.whl');
    await writeFile(wheel, await download(index));
    // A wheel is a ZIP file, which Python reads and Node.js does not.
    await promisify(execFile)('python3', ['-m', 'zipfile', '-e', wheel, work]);
    const unpacked = join(work, `uv-${VERSION}.data`, 'scripts', 'uv');
    await chmod(unpacked, 0o755);
    await rename(unpacked, program);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return program;
}

/** The path of the one that was fetched before. */
export function findUv(folder: string): string | undefined {
  const program = join(placeIn(folder), 'uv');
  return existsSync(program) ? program : undefined;
}

async function download(index: string): Promise<Buffer> {
  const wheel = WHEELS[process.arch];
  if (wheel === undefined) throw new Error(`uv is not fetched for ${process.arch}`);
  const pageUrl = new URL('uv/', index.endsWith('/') ? index : `${index}/`);
  const url = await linkTo(wheel.file, pageUrl);
  const bytes = Buffer.from(await (await get(url)).arrayBuffer());
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== wheel.sha256) throw new Error(`${wheel.file} is not the file it should be`);
  return bytes;
}

/** Of a page in JSON (PEP 691), or in HTML (PEP 503), where an address is all that is looked for. */
async function linkTo(file: string, pageUrl: URL): Promise<URL> {
  const answer = await get(pageUrl, { accept: `${JSON_PAGE}, text/html;q=0.1` });
  const text = await answer.text();
  const links = answer.headers.get('content-type')?.includes('json')
    ? page.parse(JSON.parse(text)).files.map(({ url }) => url)
    : [...text.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href);
  const link = links.find((url) => decodeURIComponent(url).split('#')[0]?.endsWith(`/${file}`));
  if (link === undefined) throw new Error(`${pageUrl.href} does not have ${file}`);
  return new URL(link, answer.url);
}

async function get(url: URL, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`${url.href} answered ${String(answer.status)}`);
  return answer;
}

function placeIn(folder: string): string {
  return join(folder, `uv-${VERSION}-${process.arch}`);
}

const [, script, folder, index] = process.argv;
if (script !== undefined && import.meta.filename === resolve(script)) {
  if (folder === undefined) throw new Error('usage: node executor/fetch-uv.ts FOLDER [INDEX]');
  process.stdout.write(`${await fetchUv(folder, index)}\n`);
}
