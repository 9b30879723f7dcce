import fc from 'fast-check';
import { objectName } from '../crds/fields.ts';
import { newExecutionId, newExecutionIds, newSessionId, objectNameOf } from './names.ts';

test.each([
  ['demo', 'demo'],
  ['a'.repeat(52), 'a'.repeat(52)],
  ['test_template_python', /^test-template-python-[0-9a-f]{10}$/],
  ['Demo', /^demo-[0-9a-f]{10}$/],
  ['a'.repeat(53), /^a{41}-[0-9a-f]{10}$/],
  ['___', /^id-[0-9a-f]{10}$/],
  ['-x-', /^x-[0-9a-f]{10}$/],
  ['日本', /^id-[0-9a-f]{10}$/],
])('the object of %s is %s', (id, name) => {
  expect(objectNameOf(id)).toMatch(typeof name === 'string' ? new RegExp(`^${name}$`) : name);
});

test('every id has a valid name that leaves room for suffixes', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 64, unit: 'binary' }), (id) => {
      const name = objectNameOf(id);
      expect(name.length).toBeLessThanOrEqual(52);
      expect(objectName.safeParse(name).success).toBe(true);
    }),
  );
});

test('ids that fold alike have different names', () => {
  const ids = ['My_Session', 'my_session', 'my-session', 'my session', 'MY.SESSION'];
  expect(new Set(ids.map(objectNameOf)).size).toBe(ids.length);
});

test('case 27: generated ids tell when they were made', () => {
  const now = Date.parse('2026-11-24T07:02:21.301Z');
  expect(newSessionId(now, 'fcd4af56')).toBe('sess_20261124_fcd4af56');
  expect(newExecutionId(now, 'fcd4af56')).toBe('exec_20261124070221_fcd4af56');
});

test.each([
  [1, 'ffffffff'],
  [2, 'ffffffff'],
  [100, 'ffffffff'],
  [100, '00000000'],
  [3, '0000000a'],
])('%i ids of one moment ascend, whatever the random digits are', (count, random) => {
  const ids = newExecutionIds(Date.UTC(2026, 10, 24, 7, 2, 21), random, count);
  expect(new Set(ids).size).toBe(count);
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^exec_20261124070221_[0-9a-f]{8}$/);
});
