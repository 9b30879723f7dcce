import { readFileSync, readdirSync } from 'node:fs';
import koffi from 'koffi/indirect';

const PR_SET_DUMPABLE = 4;
const WNOHANG = 1;

/** Those that no process can ignore, the one that Node.js needs, and one of glibc's own, whose handler takes it for a mistake. */
const SIGKILL = 9;
const SIGCHLD = 17;
const SIGSTOP = 19;
const SIGSETXID = 33;
const NOT_IGNORED = new Set([SIGKILL, SIGCHLD, SIGSTOP, SIGSETXID]);
const SIGNALS = 64;
const SIGNAL_SET_BYTES = 8;
/** The system call itself, for glibc's function refuses signal 32. */
const RT_SIGACTION = { x64: 13, arm64: 134 };

/** What PID 1 needs from the kernel and Node.js does not offer. */
export interface Native {
  /** Takes memory, environment and descriptors of this process out of the reach of others of the same user. */
  makeUnreadable(): void;
  /**
   * Ignores every signal there is. The kernel drops what PID 1 has no handler for, but not while the main thread blocks it, as in a handler that resets itself (Node.js
   * has such for SIGINT, SIGTERM and SIGSEGV) or in a fork: it then looks for another thread, finds the default action fatal, and ends the process.
   */
  ignoreSignals(): void;
  /** Takes away the zombie `pid`; false if it is none. Never to be asked of a process that Node.js waits for. */
  reap(pid: number): boolean;
}

export function loadNative(): Native {
  const libc = koffi.load(null);
  const prctl = libc.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  const waitpid = libc.func('int waitpid(int pid, void *status, int options)');
  const sigaction = libc.func(
    'long syscall(long number, long signal, void *action, void *old, long size)',
  );
  return {
    makeUnreadable: () => {
      if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0) throw new Error('PR_SET_DUMPABLE failed');
    },
    ignoreSignals: () => {
      const number = numberOfSigaction();
      // struct sigaction with SIG_IGN, which is 1, as handler, and without flags.
      const ignore = Buffer.alloc(32);
      ignore.writeBigUInt64LE(1n);
      for (let signal = 1; signal <= SIGNALS; signal++) {
        if (NOT_IGNORED.has(signal)) continue;
        const result: unknown = sigaction(number, signal, ignore, null, SIGNAL_SET_BYTES);
        if (result !== 0) throw new Error(`signal ${String(signal)} cannot be ignored`);
      }
    },
    reap: (pid) => waitpid(pid, null, WNOHANG) === pid,
  };
}

function numberOfSigaction(): number {
  const { arch } = process;
  if (arch === 'x64' || arch === 'arm64') return RT_SIGACTION[arch];
  throw new Error(`the executor does not know the system calls of ${arch}`);
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
    return undefined; // ended in the meantime
  }
}
