import { npmPage } from './npm-page.ts';
import { pythonPage } from './python-page.ts';

const url = new URL('https://index.example.org/simple/thing/');
const HASH = 'a'.repeat(64);

function linksIn(html: string): unknown {
  return pythonPage(html, { contentType: 'text/html', url, name: 'thing' }).links;
}

test('a page in HTML gives what one in JSON would', () => {
  const html = `<!DOCTYPE html><html><body>
    <a href="../../packages/thing-1.0-py3-none-any.whl#sha256=${HASH}" data-requires-python="&gt;=3.8" data-core-metadata="sha256=${HASH}">thing-1.0-py3-none-any.whl</a><br/>
    <a href="https://files.example.org/thing-0.9.tar.gz" data-yanked="broken">thing-0.9.tar.gz</a></body></html>`;
  const page = pythonPage(html, { contentType: 'text/html; charset=utf-8', url, name: 'thing' });
  expect(page.contentType).toBe('application/vnd.pypi.simple.v1+json');
  expect(JSON.parse(page.body)).toEqual({
    meta: { 'api-version': '1.0' },
    name: 'thing',
    files: [
      {
        filename: 'thing-1.0-py3-none-any.whl',
        url: '../../files/thing/thing-1.0-py3-none-any.whl',
        hashes: { sha256: HASH },
        'requires-python': '>=3.8',
        'core-metadata': { sha256: HASH },
      },
      {
        filename: 'thing-0.9.tar.gz',
        url: '../../files/thing/thing-0.9.tar.gz',
        hashes: {},
        yanked: 'broken',
      },
    ],
  });
  const digest = { algorithm: 'sha256', hex: HASH };
  expect(page.links).toEqual({
    'thing-1.0-py3-none-any.whl': {
      url: `https://index.example.org/packages/thing-1.0-py3-none-any.whl`,
      digest,
    },
    'thing-1.0-py3-none-any.whl.metadata': {
      url: `https://index.example.org/packages/thing-1.0-py3-none-any.whl.metadata`,
      digest,
    },
    'thing-0.9.tar.gz': { url: 'https://files.example.org/thing-0.9.tar.gz' },
  });
});

test.each([
  '../../../etc/passwd',
  '..',
  '.hidden',
  'a/b.whl',
  String.raw`a\b.whl`,
  'a%2fb.whl',
  '/etc/passwd',
  'a b.whl',
  '-r.whl',
  'a..b.whl',
  '__proto__/x',
])('a file named %s is left out', (name) => {
  expect(linksIn(`<a href="https://files.example.org/x">${name}</a>`)).toEqual({});
});

test('a file of a strange shape takes no other with it', () => {
  const files = [
    { filename: 7 },
    { filename: 'thing-1.tar.gz', url: 'thing-1.tar.gz', hashes: {} },
  ];
  const source = { contentType: 'application/vnd.pypi.simple.v1+json', url, name: 'thing' };
  const page = pythonPage(JSON.stringify({ files }), source);
  expect(Object.keys(page.links)).toEqual(['thing-1.tar.gz']);
});

test('an npm document has its tarballs below its own name, wherever they are', () => {
  const integrity = `sha512-${Buffer.alloc(64, 1).toString('base64')}`;
  const document = {
    name: '@scope/thing',
    'dist-tags': { latest: '1.0.0' },
    versions: {
      '1.0.0': {
        version: '1.0.0',
        dist: { tarball: 'https://cdn.example.org/x/thing-1.0.0.tgz', integrity },
      },
      '2.0.0': { version: '2.0.0', dist: { tarball: 'https://cdn.example.org/..' } },
    },
  };
  const page = npmPage(JSON.stringify(document), { url, name: '@scope/thing' });
  expect(JSON.parse(page.body)).toMatchObject({
    'dist-tags': { latest: '1.0.0' },
    versions: {
      '1.0.0': { dist: { tarball: 'http://index.invalid/@scope/thing/-/thing-1.0.0.tgz' } },
    },
  });
  expect(page.links).toEqual({
    'thing-1.0.0.tgz': {
      url: 'https://cdn.example.org/x/thing-1.0.0.tgz',
      digest: { algorithm: 'sha512', hex: '01'.repeat(64) },
    },
  });
});
