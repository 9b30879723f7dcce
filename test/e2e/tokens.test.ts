import { kubectl, tryKubectl } from './cluster.ts';
import { installReleaseWith, removeRelease, withRest } from './release.ts';

/** Tokens of Kubernetes at the REST API, reviewed by the real API server. */

const JOBS = 'e2e-jobs';
const VALUES = [
  'api.auth.tokenReview.enabled=true',
  `api.auth.callers[0].group=system:serviceaccounts:${JOBS}`,
  'api.auth.callers[0].role=read',
  `api.auth.callers[1].user=system:serviceaccount:${JOBS}:writer`,
  'api.auth.callers[1].role=write',
];

beforeAll(async () => {
  await removeJobs();
  await installReleaseWith(VALUES);
  await kubectl(['create', 'namespace', JOBS]);
  for (const name of ['reader', 'writer', 'leaver']) {
    await kubectl(['--namespace', JOBS, 'create', 'serviceaccount', name]);
  }
}, 180_000);
afterAll(async () => {
  await removeJobs();
  await removeRelease();
}, 180_000);

async function removeJobs(): Promise<void> {
  await tryKubectl(['delete', 'namespace', '--ignore-not-found', JOBS]);
}

async function tokenOf(
  account: string,
  { namespace = JOBS, audience = 'sandbox-api' } = {},
): Promise<string> {
  const asked = ['create', 'token', account, '--audience', audience, '--duration=10m'];
  return (await kubectl(['--namespace', namespace, ...asked])).trim();
}

const list = (key: string): Promise<unknown> =>
  withRest((rest) => rest('GET', '/sessions'), { key });
const create = (key: string): Promise<unknown> =>
  withRest((rest) => rest('POST', '/sessions', { template_id: 'small' }), { key });

test('a service account may do what its role says, by its group or by its own name', async () => {
  const reader = await tokenOf('reader');
  expect(await list(reader)).toMatchObject({ items: [] });
  await expect(create(reader)).rejects.toThrow(': 403 ');
  expect(await create(await tokenOf('writer'))).toMatchObject({ template_id: 'small' });
});

test.each([
  ['is meant for another service', () => tokenOf('writer', { audience: 'another' })],
  ['is of an account that no line names', () => tokenOf('default', { namespace: 'default' })],
  ['was signed by somebody else', async () => forged(await tokenOf('writer'))],
])('a token that %s is refused', async (_what, token) => {
  await expect(list(await token())).rejects.toThrow(': 401 ');
});

test('a token whose account is gone is refused', async () => {
  const token = await tokenOf('leaver');
  await kubectl(['--namespace', JOBS, 'delete', 'serviceaccount', 'leaver']);
  await expect(list(token)).rejects.toThrow(': 401 ');
});

/** The same claims under a signature that is none of the API server's. */
function forged(token: string): string {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url').reverse();
  return [head, claims, bytes.toString('base64url')].join('.');
}
