import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of output after which the chunks that it came in are given back. */
const PORTION_BYTES = 2_097_152;

/**
 * Returns a function to be told of bytes that passed through; now and then it collects young garbage. Chunks of a fast stream lie outside of V8's heap, and by
 * itself V8 lets over 100 MB of them gather: too much beside user code in a small container.
 */
export function createGarbageCollector(
  collect: () => void = exposeMinorCollection(),
): (bytes: number) => void {
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < PORTION_BYTES) return;
    passed = 0;
    collect();
  };
}

function exposeMinorCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc !== 'function') throw new Error('this Node.js cannot expose its garbage collector');
  return () => {
    Reflect.apply(gc, undefined, [{ type: 'minor' }]);
  };
}
