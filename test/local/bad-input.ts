/** A request that must be refused; `SESSION` in a route stands for the id of a session that exists. */
export interface BadInput {
  readonly what: string;
  readonly call: readonly [method: string, route: string, body?: unknown];
  readonly status: number;
  /** What the answer has to speak of. */
  readonly about: RegExp;
}

const CODE = { code: 'print(1)', language: 'python' };

function session(
  what: string,
  more: object,
  expected: Pick<BadInput, 'status' | 'about'>,
): BadInput {
  return {
    what,
    call: ['POST', '/sessions', { template_id: 'python-basic', ...more }],
    ...expected,
  };
}

function execution(what: string, more: object, about: RegExp): BadInput {
  return {
    what,
    call: ['POST', '/sessions/SESSION/execute', { ...CODE, ...more }],
    status: 422,
    about,
  };
}

export const BAD_INPUT: readonly BadInput[] = [
  session('an unknown template', { template_id: 'no-such' }, { status: 400, about: /template/i }),
  session('a bad quantity of memory', { memory: '1G' }, { status: 400, about: /memory/i }),
  session('a bad nested quantity', { resources: { cpu: 'abc' } }, { status: 422, about: /cpu/i }),
  session('an over-long id', { id: 'x'.repeat(65) }, { status: 422, about: /id/ }),
  session('an id with a slash', { id: 'a/b' }, { status: 422, about: /id/ }),
  session('an id of two dots', { id: '..' }, { status: 422, about: /id/ }),
  execution('a bad language', { language: 'cobol' }, /language/),
  execution('102,401 characters of code', { code: 'x'.repeat(102_401) }, /code/),
  execution('an event that is no object', { event: [1] }, /event/),
  {
    what: 'broken JSON',
    call: ['POST', '/sessions/SESSION/execute', '{"code": '],
    status: 422,
    about: /JSON/,
  },
  { what: 'a wrong verb', call: ['PUT', '/sessions'], status: 405, about: /method|verb/i },
  {
    what: 'an unknown session',
    call: ['POST', '/sessions/nobody/execute', CODE],
    status: 404,
    about: /session/i,
  },
];
