import { WIDGETS } from '../test/builders/widget.ts';
import { PODS } from './pod.ts';
import { resourcePath } from './resource-path.ts';

test.each([
  [resourcePath(PODS, {}), '/api/v1/pods'],
  [resourcePath(PODS, { namespace: 'a' }), '/api/v1/namespaces/a/pods'],
  [resourcePath(PODS, { namespace: 'a', name: 'b' }), '/api/v1/namespaces/a/pods/b'],
  [resourcePath(WIDGETS, { namespace: '', name: 'b' }), '/apis/example.com/v1/widgets/b'],
  [
    resourcePath(WIDGETS, { namespace: 'a', name: 'b', subresource: 'status' }),
    '/apis/example.com/v1/namespaces/a/widgets/b/status',
  ],
  [resourcePath(PODS, { namespace: 'a', name: 'b/c?d' }), '/api/v1/namespaces/a/pods/b%2Fc%3Fd'],
])('%s', (path, expected) => {
  expect(path).toBe(expected);
});

test.each(['', '.', '..'])(
  'the name "%s" is refused, for it would address something else',
  (name) => {
    expect(() => resourcePath(PODS, { namespace: 'a', name })).toThrow(
      'is not the name of an object',
    );
  },
);
