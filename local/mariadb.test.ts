import Docker from 'dockerode';
import { json, serve, stopAll, type Answer, type Heard } from '../test/fakes/loopback.ts';
import { startMariaDb } from './mariadb.ts';

/** What is asked of the engine; that it then runs is tried in test/local. */

afterEach(stopAll);

const installation = { id: 'id', databasePassword: 'secret' };
const CONTAINER = '/containers/sandbox-id-mariadb';
const RUNNING = {
  Config: { Image: 'mariadb:old' },
  NetworkSettings: { Ports: { '3306/tcp': [{ HostIp: '127.0.0.1', HostPort: '40001' }] } },
};
const MISSING = json(404, { message: 'no such thing' });

/** An engine that answers so, by method and path, and else with success; `start` starts the MariaDB of an image on it. */
async function engine(answers: Readonly<Record<string, Answer>>) {
  const asked = ({ method, url }: Heard): string => `${method} ${url.replace(/\?.*/, '')}`;
  const { heard, url } = await serve((request, response) => {
    (answers[asked(request)] ?? json(200, {}))(request, response);
  });
  const { hostname: host, port } = new URL(url);
  const docker = new Docker({ protocol: 'http', host, port });
  const start = (image: string): Promise<string> => startMariaDb({ docker, image, installation });
  return { start, asked: () => heard.map(asked) };
}

test('a server that is there is used under the port that the engine chose', async () => {
  const { start, asked } = await engine({ [`GET ${CONTAINER}/json`]: json(200, RUNNING) });
  expect(await start('mariadb:old')).toBe('mysql://sandbox:secret@127.0.0.1:40001/sandbox');
  expect(asked()).not.toContain('POST /containers/create');
});

test('a server of another image goes on while the new image cannot be had', async () => {
  const { start, asked } = await engine({
    [`GET ${CONTAINER}/json`]: json(200, RUNNING),
    'GET /images/mariadb:new/json': MISSING,
    'POST /images/create': MISSING,
  });
  await expect(start('mariadb:new')).rejects.toThrow(
    'image mariadb:new is not here and cannot be pulled',
  );
  expect(asked()).toEqual([
    `GET ${CONTAINER}/json`,
    'GET /images/mariadb:new/json',
    'POST /images/create',
  ]);
});

test('a server of another image may write down what it holds before it is removed', async () => {
  const { start, asked } = await engine({ [`GET ${CONTAINER}/json`]: json(200, RUNNING) });
  await start('mariadb:new');
  expect(asked().slice(1, 5)).toEqual([
    'GET /images/mariadb:new/json',
    `POST ${CONTAINER}/stop`,
    `DELETE ${CONTAINER}`,
    'POST /containers/create',
  ]);
});

test('a container that has no port has ended, and no other server is taken for it', async () => {
  const ended = { ...RUNNING, NetworkSettings: { Ports: {} } };
  const { start } = await engine({ [`GET ${CONTAINER}/json`]: json(200, ended) });
  await expect(start('mariadb:old')).rejects.toMatchObject({
    code: 'MariaDbUnavailable',
    message: expect.stringContaining('the MariaDB container ended at once'),
  });
});
