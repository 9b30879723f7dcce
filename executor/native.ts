import { readFileSync, readdirSync } from 'node:fs';
import koffi from 'koffi/indirect';

const PR_SET_DUMPABLE = 4;
const WNOHANG = 1;

/** The two things that PID 1 needs from the kernel and Node.js does not offer. */
export interface Native {
  /** Takes memory, environment and descriptors of this process out of the reach of others of the same user. */
  makeUnreadable(): void;
  /** Takes away the zombie `pid`; false if it is none. Never to be asked of a process that Node.js waits for. */
  reap(pid: number): boolean;
}

export function loadNative(): Native {
  const libc = koffi.load(null);
  const prctl = libc.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  const waitpid = libc.func('int waitpid(int pid, void *status, int options)');
  return {
    makeUnreadable: () => {
      if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0)
        throw new Error('prctl(PR_SET_DUMPABLE) failed');
    },
    reap: (pid) => waitpid(pid, null, WNOHANG) === pid,
  };
}

/** Children of PID 1. What an exec from outside the container started has parent 0 and is none of them. */
export function childrenOfInit(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== '1')
    .map(Number)
    .filter((pid) => parentOf(pid) === 1);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    // The program's name stands in parentheses and may hold anything, parentheses too.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
