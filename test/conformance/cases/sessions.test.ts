import {
  createSession,
  createTemplate,
  endSessions,
  execute,
  executeSync,
  run,
  running,
  runningSession,
  shared,
  templateId,
  tidyUp,
} from '../fixtures.ts';
import { del, eventually, get, post, unique } from '../target.ts';

afterEach(endSessions);
afterAll(tidyUp);

const STARTING = ['creating', 'starting', 'initializing', 'running', 'ready'];
const session = shared(() => runningSession());

describe('creation', () => {
  test('9. a session is created with what was asked for', async () => {
    const { status, body } = await createSession({ cpu: '1', memory: '512Mi', disk: '1Gi' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: expect.any(String), template_id: await templateId() });
    expect(STARTING).toContain(body['status']);
    await del(`/sessions/${String(body['id'])}`);
  });

  test('10. a template and a timeout are enough', async () => {
    const answer = await post('/sessions', { template_id: await templateId(), timeout: 300 });
    expect(answer.status).toBe(201);
    await del(`/sessions/${String(answer.body['id'])}`);
  });

  test('11. an unknown template is 400', async () => {
    expect((await createSession({ template_id: 'non-existent-template-xyz' })).status).toBe(400);
  });

  test.each([[5000], [0]])('12. a timeout of %d is 422', async (timeout) => {
    expect((await createSession({ timeout })).status).toBe(422);
  });

  test('13. an unknown field is no fault', async () => {
    expect((await createSession({ mode: 'persistent' })).status).toBe(201);
  });

  test('14. env vars are echoed', async () => {
    const env_vars = { CUSTOM_VAR_1: 'value1', CUSTOM_VAR_2: 'value2' };
    const { status, body } = await createSession({ env_vars });
    expect(status).toBe(201);
    expect(body['env_vars']).toEqual(env_vars);
  });

  test('15. resources are echoed', async () => {
    const resources = { cpu: '2', memory: '1Gi', disk: '5Gi' };
    const { status, body } = await createSession(resources);
    expect(status).toBe(201);
    expect(body['resource_limit']).toMatchObject(resources);
    await del(`/sessions/${String(body['id'])}`);
  });

  test('16. right after creation it is creating, or running already where it was warm', async () => {
    const { body } = await createSession();
    const seen = await get(`/sessions/${String(body['id'])}`);
    expect(['creating', 'running']).toContain(seen.body['status']);
  });

  test('17. it runs within 60 s', async () => {
    const { body } = await createSession();
    expect((await running(body['id'], 60_000)).body['status']).toBe('running');
  });

  test('18. a session that runs has a container', async () => {
    const { body } = await get(`/sessions/${await session()}`);
    expect(body['container_id']).toEqual(expect.stringMatching(/.+/));
  });

  test('19. three at once are three sessions with three containers', async () => {
    const created = await Promise.all([createSession(), createSession(), createSession()]);
    expect(created.map(({ status }) => status)).toEqual([201, 201, 201]);
    const seen = await Promise.all(created.map(({ body }) => running(body['id'])));
    expect(new Set(seen.map(({ body }) => body['id'])).size).toBe(3);
    expect(new Set(seen.map(({ body }) => body['container_id'])).size).toBe(3);
    for (const { body } of seen) await del(`/sessions/${String(body['id'])}`);
  });

  test('20. a client may choose the id', async () => {
    const id = unique('test_invalid_dependency_install');
    expect((await createSession({ id })).body['id']).toBe(id);
  });

  test('21. an id is taken until its session is deleted', async () => {
    const id = unique('taken');
    expect((await createSession({ id })).status).toBe(201);
    expect((await createSession({ id })).status).toBe(409);
    await post(`/sessions/${id}/terminate`);
    expect((await createSession({ id })).status).toBe(409);
    await del(`/sessions/${id}`);
    // The container may take a moment to go; the id is free when it is gone.
    const again = await eventually(
      async () => {
        const answer = await createSession({ id });
        return answer.status === 409 ? undefined : answer;
      },
      { what: `${id} free again`, withinMs: 60_000 },
    );
    expect(again.status).toBe(201);
  });

  test.each([[''], ['x'.repeat(65)]])('22. the id "%s" is 422', async (id) => {
    expect((await createSession({ id })).status).toBe(422);
  });

  test.each([[undefined], [''], [null]])('23. template_id %s is 422', async (template_id) => {
    expect((await createSession({ template_id })).status).toBe(422);
  });

  test.each([
    [{ cpu: 'abc' }, 422],
    [{ cpu: '0' }, 400],
    [{ cpu: '-1' }, 400],
    [{ memory: '1G' }, 400],
    [{ memory: '512mi' }, 400],
    [{ memory: '1.5Gi' }, 400],
    [{ disk: '1G' }, 400],
    [{ disk: '512mi' }, 400],
    [{ disk: '1.5Gi' }, 400],
  ])('24. %j is refused with %d', async (resources, expected) => {
    expect((await createSession(resources)).status).toBe(expected);
  });

  test('25. an env var that is no text is 422', async () => {
    expect((await createSession({ env_vars: { A: 1 } })).status).toBe(422);
  });

  test('26. malformed JSON is 422', async () => {
    expect((await post('/sessions', undefined, { raw: '{"template_id": ' })).status).toBe(422);
  });

  test('27. a generated id tells the day', async () => {
    expect((await createSession()).body['id']).toMatch(/^sess_\d{8}_[0-9a-f]{8}$/);
  });

  test("28. what was left out has the documented defaults, which the system's own template says", async () => {
    const { body } = await post('/sessions', { template_id: 'python-basic' });
    expect(body).toMatchObject({
      resource_limit: { cpu: '1', memory: '512Mi', disk: '1Gi' },
      timeout: 300,
      python_package_index_url: 'https://pypi.org/simple/',
      requested_dependencies: [],
      dependency_install_status: 'completed',
    });
    // Null where a system has no object storage.
    if (body['workspace_path'] !== null)
      expect(body['workspace_path']).toMatch(/^(s3|file):\/\/.+\/sessions\/[^/]+$/);
    await del(`/sessions/${String(body['id'])}`);
  });

  test('29. a session whose container cannot be created can be read and tells why', async () => {
    const image_url = 'conformance.invalid/no-such-image:none';
    const { body: template } = await createTemplate({ image_url });
    const created = await createSession({ template_id: template['id'] });
    expect(created.status).toBe(201);
    const id = String(created.body['id']);
    const seen = await eventually(
      async () => {
        const { body } = await get(`/sessions/${id}`);
        // A runner without containers has no images either, and starts it.
        return body['status'] === 'running' || /image/i.test(String(body['message']))
          ? body
          : undefined;
      },
      { what: 'why there is no container', withinMs: 60_000 },
    );
    if (seen['status'] !== 'running') expect(seen).toMatchObject({ reason: 'ImagePullFailed' });
    expect((await del(`/sessions/${id}`)).status).toBe(204);
  });

  test('30. three creations take less than a minute', async () => {
    const startedAt = Date.now();
    for (let n = 0; n < 3; n += 1) expect((await createSession()).status).toBe(201);
    expect(Date.now() - startedAt).toBeLessThan(60_000);
  });
});

describe('reading', () => {
  test('31. a session is read by its id', async () => {
    const id = await session();
    const { status, body } = await get(`/sessions/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      template_id: await templateId(),
      created_at: expect.any(String),
    });
  });

  test('32. an unknown session is 404 and said to be not found', async () => {
    const { status, body } = await get('/sessions/unknown-session-xyz');
    expect(status).toBe(404);
    expect(`${String(body['message'])} ${String(body['detail'])}`).toContain('Session not found');
  });

  test('33. sessions are listed in pages', async () => {
    const { status, body } = await get('/sessions');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      items: expect.any(Array),
      total: expect.any(Number),
      limit: expect.any(Number),
      offset: expect.any(Number),
      has_more: expect.any(Boolean),
    });
  });

  test('34. the filter status shows only that status', async () => {
    await session();
    const { body } = await get('/sessions?status=running');
    const statuses = itemsOf(body).map(({ status }) => status);
    expect(statuses).toEqual(statuses.map(() => 'running'));
    expect(statuses).not.toEqual([]);
    expect(await get('/sessions?status=bogus')).toMatchObject({ status: 200, body: { items: [] } });
  });

  test('35. the filter template_id shows only sessions of that template', async () => {
    await session();
    const { body } = await get(`/sessions?template_id=${await templateId()}`);
    expect(new Set(itemsOf(body).map(({ template_id }) => template_id))).toEqual(
      new Set([await templateId()]),
    );
  });

  test('36. a page has the length and the offset that were asked for', async () => {
    const { body } = await get('/sessions?limit=2&offset=0');
    expect(body).toMatchObject({ limit: 2, offset: 0 });
    expect(itemsOf(body).length).toBeLessThanOrEqual(2);
    if (Number(body['total']) > 2) expect(body['has_more']).toBe(true);
    expect(await get('/sessions?limit=2&offset=2')).toMatchObject({
      status: 200,
      body: { offset: 2 },
    });
  });

  test('37. limits out of range are moved into it, what is no number is 422', async () => {
    expect(await get('/sessions?limit=300')).toMatchObject({ status: 200, body: { limit: 200 } });
    expect(await get('/sessions?limit=0')).toMatchObject({ status: 200, body: { limit: 1 } });
    expect(await get('/sessions?offset=-1')).toMatchObject({ status: 200, body: { offset: 0 } });
    expect((await get('/sessions?limit=abc')).status).toBe(422);
  });

  test('38. the newest is the first', async () => {
    const { body: created } = await createSession();
    const { body } = await get(`/sessions?limit=200&template_id=${await templateId()}`);
    const ids = itemsOf(body).map(({ id }) => id);
    expect(ids[0]).toBe(created['id']);
    expect(ids.indexOf(await session())).toBeGreaterThan(0);
  });

  test('39. a session is in the list with its container', async () => {
    const id = await session();
    const { body } = await get(`/sessions?limit=200&template_id=${await templateId()}`);
    const listed = itemsOf(body).find((item) => item['id'] === id);
    expect(listed?.['container_id']).toEqual(expect.stringMatching(/.+/));
  });

  test('40. ten reads at once are all answered', async () => {
    const id = await session();
    const reads = Array.from({ length: 10 }, () => [get(`/sessions/${id}`), get('/health')]);
    const answers = await Promise.all(reads.flat());
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });
});

describe('the end', () => {
  test('41. terminating a session that runs is 200 and shows it', async () => {
    const id = await runningSession();
    const { status, body } = await post(`/sessions/${id}/terminate`);
    expect(status).toBe(200);
    expect(['terminated', 'terminating']).toContain(body['status']);
  });

  test('42. it is terminated within 5 s and has a time of completion', async () => {
    const id = await runningSession();
    await post(`/sessions/${id}/terminate`);
    const seen = await eventually(
      async () => {
        const { body } = await get(`/sessions/${id}`);
        return body['status'] === 'terminated' && body['completed_at'] !== null ? body : undefined;
      },
      { what: 'the end', withinMs: 15_000 },
    );
    expect(seen['completed_at']).toEqual(expect.any(String));
  });

  test('43. terminating twice is the same as once', async () => {
    const { body } = await createSession();
    const path = `/sessions/${String(body['id'])}/terminate`;
    expect([(await post(path)).status, (await post(path)).status]).toEqual([200, 200]);
  });

  test('44. terminating an unknown session is 404', async () => {
    expect((await post('/sessions/unknown-session-xyz/terminate')).status).toBe(404);
  });

  test('45. deleting is 204 without a body, and then it is gone', async () => {
    const { body } = await createSession();
    const path = `/sessions/${String(body['id'])}`;
    expect(await del(path)).toMatchObject({ status: 204, text: '' });
    expect((await get(path)).status).toBe(404);
  });

  test('46. deleting what is not there is 404, also the second time', async () => {
    expect((await del('/sessions/unknown-session-xyz')).status).toBe(404);
    const { body } = await createSession();
    await del(`/sessions/${String(body['id'])}`);
    expect((await del(`/sessions/${String(body['id'])}`)).status).toBe(404);
  });

  test('47. executions go with their session', async () => {
    const id = await runningSession();
    const { body } = await run(id, { code: 'print(1)' });
    await del(`/sessions/${id}`);
    expect((await get(`/executions/${String(body['id'])}/result`)).status).toBe(404);
  });

  test('48. a terminated session takes nothing more', async () => {
    const id = await runningSession();
    await post(`/sessions/${id}/terminate`);
    expect((await execute(id, { code: 'print(1)' })).status).toBe(409);
    const form = new FormData();
    form.set('file', new Blob(['x']), 'x.txt');
    expect(
      (await post(`/sessions/${id}/files/upload?path=x.txt`, undefined, { form })).status,
    ).toBe(400);
    const dependencies = [{ name: 'pyfiglet' }];
    expect((await post(`/sessions/${id}/dependencies/install`, { dependencies })).status).toBe(409);
  });

  test('50. the end of one touches no other, not even one whose id begins alike', async () => {
    const id = unique('s1');
    const [first, second] = [await runningSession({ id }), await runningSession({ id: `${id}0` })];
    const form = (): FormData => {
      const made = new FormData();
      made.set('file', new Blob(['kept']), 'kept.txt');
      return made;
    };
    for (const each of [first, second])
      await post(`/sessions/${each}/files/upload?path=kept.txt`, undefined, { form: form() });
    await del(`/sessions/${first}`);
    expect((await get('/health')).status).toBe(200);
    expect((await executeSync(second, { code: 'print(1)' })).body['status']).toBe('completed');
    expect((await get(`/sessions/${second}/files/kept.txt`)).text).toBe('kept');
  });
});

function itemsOf(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>[] {
  return Array.isArray(body['items']) ? (body['items'] as Readonly<Record<string, unknown>>[]) : [];
}
