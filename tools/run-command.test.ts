import { runCommand } from './run-command.ts';

describe('running a command', () => {
  it('keeps what it prints on both streams, and its exit code', async () => {
    const { exitCode, output } = await runCommand(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(exitCode).toBe(7);
    expect(output.split('\n').sort()).toEqual(['', 'err', 'out']);
  });

  it('tells of a command that does not exist instead of throwing', async () => {
    const { exitCode, output } = await runCommand(['no-such-command-here']);
    expect(exitCode).not.toBe(0);
    expect(output).toContain('no-such-command-here');
  });

  it('hands on the environment it is given', async () => {
    const { output } = await runCommand(['sh', '-c', 'echo $GREETING'], {
      env: { GREETING: 'hi' },
    });
    expect(output).toBe('hi\n');
  });

  it('ends one that takes too long, with what it started', async () => {
    // The grandchild holds the pipe: the call could not return while it lives.
    const { exitCode } = await runCommand(['sh', '-c', 'sleep 60 & sleep 60'], { timeoutMs: 100 });
    expect(exitCode).toBe(124);
  });
});
