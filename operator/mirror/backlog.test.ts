import { anExecution } from '../../test/builders/execution.ts';
import { Backlog, type Subject } from './backlog.ts';

function run(name: string, output = ''): Subject {
  const stdout = { text: output, bytes: output.length, truncated: false };
  const object = anExecution({ metadata: { name }, status: { phase: 'Completed', stdout } });
  return { table: 'executions', object };
}

function namesIn(backlog: Backlog): string[] {
  return backlog.batch().map(({ subject }) => subject.object.metadata.name);
}

describe('what waits to be written', () => {
  it('is one entry per object, of its last state, in the order of waiting', () => {
    const backlog = new Backlog();
    backlog.note(run('a'), 1);
    backlog.note(run('b'), 2);
    backlog.note(run('a', 'later'), 3);
    expect(namesIn(backlog)).toEqual(['a', 'b']);
    expect(backlog.batch()[0]).toMatchObject({
      since: 1,
      sequence: 3,
      subject: { object: { status: { stdout: { text: 'later' } } } },
    });
    expect(backlog.oldest).toBe(1);
  });

  it('stays until it is written', () => {
    const backlog = new Backlog();
    backlog.note(run('a'), 1);
    backlog.batch();
    expect(namesIn(backlog)).toEqual(['a']);
    backlog.settle(backlog.batch(), 2);
    expect(backlog.size).toBe(0);
  });

  it('stays if it changed while it was written', () => {
    const backlog = new Backlog();
    backlog.note(run('a'), 1);
    const batch = backlog.batch();
    backlog.note(run('a', 'later'), 2);
    backlog.settle(batch, 3);
    expect(backlog.batch()).toMatchObject([{ sequence: 2, since: 3 }]);
  });

  it('remembers that its time is up through later changes', () => {
    const backlog = new Backlog();
    backlog.note(run('a'), 1, { expired: true });
    backlog.note(run('a'), 2, { gone: true });
    expect(backlog.batch()).toMatchObject([{ expired: true, gone: true }]);
  });

  it('goes in statements that a server takes', () => {
    const backlog = new Backlog();
    for (let n = 0; n < 20; n += 1) backlog.note(run(`run-${String(n)}`, 'x'.repeat(400_000)), n);
    expect(backlog.batch().length).toBeLessThan(10);
    for (let n = 0; n < 500; n += 1) backlog.note(run(`small-${String(n)}`), n);
    backlog.settle(backlog.batch(), 0);
    expect(backlog.batch().length).toBeLessThanOrEqual(200);
  });

  it('wakes who waits for something to write', async () => {
    const backlog = new Backlog();
    const filled = backlog.whenFilled(new AbortController().signal);
    backlog.note(run('a'), 1);
    await filled;
  });
});

describe('what is gone while the database is away', () => {
  it('keeps its contents, until there is too much of it', () => {
    const backlog = new Backlog();
    const large = 'x'.repeat(1_000_000);
    for (let n = 0; n < 80; n += 1) backlog.note(run(`run-${String(n)}`, large), n, { gone: true });
    let withContents = 0;
    while (backlog.size > 0) {
      const batch = backlog.batch();
      withContents += batch.filter(
        ({ subject }) => JSON.stringify(subject).length > 900_000,
      ).length;
      backlog.settle(batch, 100);
    }
    expect(withContents).toBeGreaterThan(60);
    expect(withContents).toBeLessThan(70);
    expect(backlog.dropped).toBe(0);
  });

  it('is given up beyond a bound, and counted', () => {
    const backlog = new Backlog();
    const gone = run('gone');
    for (let n = 0; n < 50_010; n += 1) {
      const metadata = { ...gone.object.metadata, uid: `uid-${String(n)}` };
      backlog.note({ ...gone, object: { ...gone.object, metadata } } as Subject, n, { gone: true });
    }
    expect([backlog.size, backlog.dropped]).toEqual([50_000, 10]);
  });
});
