/** A case that cannot be seen through the API: the test that holds what it is about. */
export interface Elsewhere {
  readonly number: number;
  readonly file: string;
  readonly title: string;
  /** Why it is not tried here. */
  readonly why: string;
}

const INSIDE = 'about the executor, which no client reaches';
const FAULT = 'needs a fault that no client can make';

export const ELSEWHERE: readonly Elsewhere[] = [
  {
    number: 157,
    file: 'test/executor/http.test.ts',
    title: 'are needed for everything but health',
    why: INSIDE,
  },
  {
    number: 158,
    file: 'test/executor/http.test.ts',
    title: 'happens once, however often it is sent, at the same time and later',
    why: `${INSIDE}; a run is PUT under its id, so that sending it twice starts it once`,
  },
  {
    number: 159,
    file: 'test/executor/dependencies.test.ts',
    title: 'a package is installed without a network and is there for the next run',
    why: INSIDE,
  },
  {
    number: 160,
    file: 'test/executor/dependencies.test.ts',
    title: 'a set takes the place of the one before, and an empty set of any',
    why: `${INSIDE}; Node.js sandboxes have packages too`,
  },
  {
    number: 161,
    file: 'test/flow/operator-faults.test.ts',
    title: 'finds the outcome of a run that ended meanwhile',
    why: 'there are no callbacks: the control plane asks, and asks again',
  },
  {
    number: 162,
    file: 'test/executor/languages.test.ts',
    title: 'null for NaN and the infinities, at any depth',
    why: INSIDE,
  },
  {
    number: 164,
    file: 'operator/sandbox/executor-monitor.test.ts',
    title: 'silence counts from the first question without an answer, and ends with an answer',
    why: 'there are no heartbeats: the control plane asks',
  },
  {
    number: 165,
    file: 'test/executor/languages.test.ts',
    title: 'what fits in the limit to the last byte, and not a byte more',
    why: 'there are no markers in the output: a result has a descriptor of its own',
  },
  {
    number: 166,
    file: 'test/local/runner-contract.ts',
    title: 'an executor that ends by itself is told of once, with its exit code and last words',
    why: INSIDE,
  },
  {
    number: 167,
    file: 'local/runners/isolator.test.ts',
    title: 'bubblewrap gets every namespace, no capability, and dies with its parent',
    why: INSIDE,
  },
  {
    number: 169,
    file: 'test/flow/operator-sandbox.test.ts',
    title: 'a pod that is deleted is replaced, though it is stuck in its deletion',
    why: FAULT,
  },
  {
    number: 172,
    file: 'test/flow/operator-sandbox.test.ts',
    title: 'a start that takes too long fails, and leaves no pod',
    why: FAULT,
  },
  {
    number: 175,
    file: 'test/flow/operator-dependencies.test.ts',
    title: 'an operator that takes over in the middle of an installation brings it to its end',
    why: FAULT,
  },
  {
    number: 176,
    file: 'test/flow/operator-faults.test.ts',
    title: 'make one pod and start each execution once',
    why: FAULT,
  },
  {
    number: 177,
    file: 'operator/sandbox/decide.test.ts',
    title: 'stays Ready after a restart of the operator, which merely asks its executor',
    why: 'there is no signal that could come too early: the control plane asks',
  },
];

/** Cases of which this system deliberately does otherwise than the reference, and why. */
export const DIFFERENCES: ReadonlyMap<number, string> = new Map([
  [7, 'where there is authentication a stranger is told 401 also for paths that do not exist'],
  [16, 'may be running at once where a start was warm'],
  [29, 'the session is created and tells why it has no container, instead of 400 and no session'],
  [48, 'uploads into a session that ended stay 400, as in the reference'],
  [53, 'env vars of a run work, which the reference drops'],
  [63, 'nothing of 70,000 bytes is lost; longer output keeps head and tail and says so'],
  [68, 'code without a handler is a script and completes, instead of failing'],
  [72, 'the event is an object and the result is returned, instead of printed'],
  [73, 'the run waits for the session, instead of 500 and pending for ever'],
  [76, 'offset pages; a negative limit is 422 instead of 500'],
  [80, 'poll_interval is checked and nobody waits for it'],
  [89, 'falsy results are kept, which the reference turns into null'],
  [98, 'the timeout that was asked for counts, instead of 30 s'],
  [119, 'the session says failed and keeps the new wish, instead of a rollback'],
  [132, 'the runtime is the one that was asked for, instead of always python3.11'],
  [147, 'refused, where the reference writes outside of the session'],
  [148, 'too large is 413, where the reference says 400'],
  [152, 'there are no callbacks: 404, or 401 to strangers'],
  [153, 'there are no callbacks: 404, or 401 to strangers'],
  [154, 'there are no callbacks: 404, or 401 to strangers'],
  [155, 'there are no callbacks: 404, or 401 to strangers'],
]);
