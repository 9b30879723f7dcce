import { s3Config } from './config.ts';

const KEYS = { SANDBOX_S3_ACCESS_KEY_ID: 'key', SANDBOX_S3_SECRET_ACCESS_KEY: 'secret' };

test('without a bucket there is no S3', () => {
  expect(s3Config({})).toBeUndefined();
  expect(s3Config({ ...KEYS, SANDBOX_S3_BUCKET: '' })).toBeUndefined();
});

test('a bucket alone is one of AWS, with keys that its SDK finds', () => {
  expect(s3Config({ SANDBOX_S3_BUCKET: 'files' })).toEqual({
    bucket: 'files',
    region: 'us-east-1',
  });
});

test('the variables of the reference are read too, and ours win', () => {
  const reference = { S3_BUCKET: 'old', S3_ENDPOINT_URL: 'http://s3:9000', S3_REGION: 'eu-west-1' };
  expect(s3Config({ ...reference, SANDBOX_S3_BUCKET: 'new' })).toMatchObject({
    bucket: 'new',
    endpoint: 'http://s3:9000',
    region: 'eu-west-1',
  });
});

test('keys may stand in files', () => {
  const files = {
    SANDBOX_S3_ACCESS_KEY_ID_FILE: '/keys/id',
    SANDBOX_S3_SECRET_ACCESS_KEY_FILE: '/keys/secret',
  };
  expect(s3Config({ SANDBOX_S3_BUCKET: 'files', ...files })).toMatchObject({
    accessKeyFile: '/keys/id',
    secretKeyFile: '/keys/secret',
  });
});

test.each([
  ['a name that no bucket can have', { SANDBOX_S3_BUCKET: '../up' }],
  ['an endpoint without a scheme', { SANDBOX_S3_BUCKET: 'files', SANDBOX_S3_ENDPOINT: 's3:9000' }],
  ['half of a pair of keys', { SANDBOX_S3_BUCKET: 'files', SANDBOX_S3_ACCESS_KEY_ID: 'key' }],
])('%s is refused', (_what, env) => {
  expect(() => s3Config(env)).toThrow();
});
