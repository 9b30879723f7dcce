import { Readable } from 'node:stream';
import { openS3Store } from '../../storage/objects/open-s3.ts';
import { S3Server } from './s3-server.ts';
import { storeContract } from './store-contract.ts';

describe('S3 as object store', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await S3Server.start();
  });
  afterAll(() => server.remove());

  storeContract(() => Promise.resolve(openS3Store(server.config)));

  test('signs URLs with which anyone can read one object, under the name that was asked for', async () => {
    const store = openS3Store(server.config);
    await store.put('signed/a b.txt', Readable.from(['signed']), {
      size: 6,
      contentType: 'text/plain',
    });
    const disposition = 'attachment; filename="a b.txt"';
    const url = await store.presign('signed/a b.txt', { expiresInSeconds: 60, disposition });
    const answer = await fetch(url ?? '');
    expect(await answer.text()).toBe('signed');
    expect(answer.headers.get('content-disposition')).toBe(disposition);
    const other = (url ?? '').replace('signed/a', 'signed/b');
    expect((await fetch(other)).status).toBe(403);
    store.close();
  });

  test('signs them for the address that clients have, and not at all where there is none', async () => {
    const { config } = server;
    const outside = openS3Store({ ...config, publicEndpoint: 'https://files.example.org' });
    expect(await outside.presign('a', { expiresInSeconds: 60 })).toMatch(
      /^https:\/\/files\.example\.org\/sandbox-workspace\/a\?/,
    );
    const inside = openS3Store({ ...config, publicEndpoint: undefined });
    expect(await inside.presign('a', { expiresInSeconds: 60 })).toBeUndefined();
  });

  test('makes its bucket where that is missing', async () => {
    const store = openS3Store({ ...server.config, bucket: 'another-bucket' });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'NotFound' });
    await store.put('a', Readable.from(['a']), { size: 1 });
    expect(await store.head('a')).toMatchObject({ size: 1 });
    store.close();
  });

  test('says that it is out of order while the server is away, and works again after it', async () => {
    const store = openS3Store(server.config);
    const away = expect.objectContaining({ code: 'Unavailable', retryable: true });
    await server.down();
    await expect(store.check()).rejects.toEqual(away);
    await expect(store.head('a')).rejects.toEqual(away);
    await expect(store.put('a', Readable.from(['a']), { size: 1 })).rejects.toEqual(away);
    await server.up();
    await store.put('a', Readable.from(['a']), { size: 1 });
    expect(await store.head('a')).toMatchObject({ size: 1 });
    store.close();
  });

  test('says that it is refused with wrong keys, and none of them is in the error', async () => {
    const store = openS3Store({ ...server.config, secretKey: 'wrong-secret' });
    const error: unknown = await store.get('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'Refused', retryable: true });
    expect(error instanceof Error ? error.message : '').not.toContain('evaluation');
    store.close();
  });
});
