import { PassThrough } from 'node:stream';
import { createLogger } from './logging.ts';
import type { LoggingOptions } from './logging.ts';

async function written(
  options: LoggingOptions,
  write: (logger: ReturnType<typeof createLogger>) => void,
): Promise<string[]> {
  const destination = new PassThrough({ encoding: 'utf8' });
  write(createLogger({ ...options, destination }));
  await new Promise(setImmediate);
  return String(destination.read() ?? '')
    .split('\n')
    .filter((line) => line !== '');
}

test('a line is one JSON object with the fields of the logger, its parents and the call', async () => {
  const [line] = await written({ fields: { app: 'operator' } }, (logger) => {
    logger.child({ controller: 'widgets' }).child({ key: 'a' }).info('hello', { count: 1 });
  });
  expect(JSON.parse(line ?? '')).toEqual({
    level: 'info',
    message: 'hello',
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    app: 'operator',
    controller: 'widgets',
    key: 'a',
    count: 1,
  });
});

test('an error is written with its code and causes', async () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const [line] = await written({}, (logger) => {
    logger.error('failed', { error: new TypeError('no list', { cause }) });
  });
  expect(JSON.parse(line ?? '')).toMatchObject({
    message: 'failed',
    error: {
      name: 'TypeError',
      message: 'no list',
      stack: expect.stringContaining('logging.test.ts'),
      cause: { name: 'Error', message: 'refused', code: 'ECONNREFUSED' },
    },
  });
});

test('a field cannot take the place of the message, nor grow it', async () => {
  const [line] = await written({}, (logger) => {
    logger.info('hello', { message: 'other', level: 'error' });
  });
  expect(JSON.parse(line ?? '')).toMatchObject({ level: 'info', message: 'hello' });
});

test('lines below the level are left out', async () => {
  const lines = await written({ level: 'warn' }, (logger) => {
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
  });
  expect(lines).toHaveLength(1);
});

test('the text format reads well on a terminal', async () => {
  const lines = await written({ format: 'text' }, (logger) => {
    logger.info('ready', { port: 8000 });
    logger.warn('slow');
  });
  expect(lines[0]).toMatch(/^\S+Z ready \{"port":8000\}$/);
  expect(lines[1]).toMatch(/^\S+Z WARN slow$/);
});
