import { ruleChecker } from './cel-rules.ts';
import type { Json } from './json.ts';

const event = ruleChecker({
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
  'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'event is immutable' }],
});

/** As a request has it: an own key, whatever its name. */
const parsed = (text: string): Json => JSON.parse(text) as Json;

test.each(['constructor', 'prototype', '__proto__', 'toString', 'hasOwnProperty'])(
  'a key named %s is one like any other',
  (name) => {
    for (const value of ['1', '"text"', '{"prototype":{"a":[1]}}', 'null']) {
      const text = `{"${name}":${value},"nested":[{"${name}":${value}}]}`;
      expect(event.broken(parsed(text), parsed(text))).toEqual([]);
      expect(event.broken(parsed(`{"${name}":"other"}`), parsed(text))).toMatchObject([
        { message: 'Invalid value: "object": event is immutable' },
      ]);
    }
  },
);
