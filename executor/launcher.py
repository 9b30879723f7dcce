"""Starts the processes of executions, relays their output, and sees to it that nothing of a finished one goes on.

One process per sandbox, a child of the executor, which it hears and answers on descriptor 3 in frames: type (1 byte), run (4), length (4), payload.

    S  start: JSON {language, code, event, env, executionId, deadlineMs}      R  ready: JSON {languages}
    K  kill                                                                   O  stdout       E  stderr
                                                                              V  what the runner wrote on the result descriptor
                                                                              X  ended: JSON {code, cpuMs, maxRssBytes}
                                                                              F  not started: JSON {reason, message}

It is a subreaper, and so is each run's main process. What a main process leaves behind when it ends therefore becomes a child of this one, and a
child that it did not start itself is a stray of a finished run. That rule needs no walk through /proc and cannot be escaped by fork and setsid.
"""
import ctypes
import fcntl
import gc
import json
import os
import resource
import select
import signal
import struct
import sys
import time

# Started isolated (-I), so that neither environment nor working directory decides what is imported.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import python_runner  # noqa: E402

del sys.path[0]

CHANNEL = 3
HEADER = struct.Struct('>cII')
CHUNK = 65_536
# Unsent bytes above which output is left in the pipes, so that the writer waits instead of this process growing.
CONGESTED = 4 * CHUNK
MAX_RESULT = 262_144 + 16
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
# Passes of killing strays after which they are taken to be multiplying.
PASSES_BEFORE_FREEZE = 3
# When a spare is made after the last one was used or, at first, after the start: a first run may come at once and want the processor for itself.
# Forking takes a millisecond, Node.js forty; not at once, so that the outcome of the run before is on its way first.
SPARE_DELAY = {'python': 0.002, 'javascript': 0.005}
FIRST_SPARE_DELAY = {'python': 0.002, 'javascript': 0.1}
# For the languages that the last run did not have: a sandbox that keeps to one, with pauses of seconds, does not boot the other after each of its runs.
OTHER_SPARE_DELAY = 5.0
WARM_UP_DELAY = 0.3
RETRY_DELAY = 0.02
DEAF_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM)

libc = ctypes.CDLL(None, use_errno=True)


class Run:
    def __init__(self, number, started, cpu_before=0.0, language=None):
        self.number = number
        self.pid = started.pid
        self.pipes = started.pipes
        self.cpu_before = cpu_before
        self.language = language
        self.result = b''
        self.ended = None


class Started:
    """A process with our ends of its pipes: descriptor -> frame type; `request` is where a spare waits for its run."""

    def __init__(self, pid, pipes, request=None):
        self.pid = pid
        self.pipes = pipes
        self.request = request


class NotStarted(Exception):
    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class Launcher:
    def __init__(self, config):
        self.config = config
        self.out = bytearray()
        self.inbox = bytearray()
        self.runs = {}  # number -> Run
        self.by_pipe = {}  # descriptor -> Run
        self.requests = {}  # descriptor -> bytes still to be written to a process that was a spare
        now = time.monotonic()
        self.spares = {}  # language -> Started
        self.discarded = set()  # spares that were killed and are not gone yet
        self.spare_due = {language: now + delay for language, delay in FIRST_SPARE_DELAY.items()}
        self.warm_up_due = now + WARM_UP_DELAY
        self.passes = 0
        self.frozen = False
        self.alone = os.getppid() == 1
        os.set_blocking(CHANNEL, False)
        self.poll = select.epoll()
        self.outputs = select.epoll()  # nested, so that all output can be paused at once
        self.wake = wake_pipe()
        self.poll.register(CHANNEL, select.EPOLLIN)
        self.poll.register(self.wake, select.EPOLLIN)
        self.poll.register(self.outputs.fileno(), select.EPOLLIN)
        self.shell = find('bash', config['path']) or find('sh', config['path'])

    def serve(self):
        languages = ['python', 'javascript', *(['shell'] if self.shell else [])]
        self.send(b'R', 0, json.dumps({'languages': languages}).encode())
        gc.collect()
        gc.freeze()
        while True:
            self.pace()
            for fd, events in self.poll.poll(self.patience()):
                self.attend(fd, events)
            self.reap()
            self.clear_away()
            self.prepare_ahead()

    # -- the loop ------------------------------------------------------------------------------------------------------

    def pace(self):
        congested = len(self.out) > CONGESTED
        self.poll.modify(CHANNEL, select.EPOLLIN | (select.EPOLLOUT if self.out else 0))
        self.poll.modify(self.outputs.fileno(), 0 if congested else select.EPOLLIN)

    def patience(self):
        if any(run.ended for run in self.runs.values()):
            return RETRY_DELAY
        if self.runs:
            return None
        due = [*self.spare_due.values()]
        if self.warm_up_due is not None:
            due.append(self.warm_up_due)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def attend(self, fd, events):
        if fd == CHANNEL:
            self.hear(events)
        elif fd == self.wake:
            os.read(fd, 4096)
        elif fd == self.outputs.fileno():
            for pipe, _ in self.outputs.poll(0):
                self.relay(pipe)
        else:
            self.feed(fd)

    def hear(self, events):
        if events & select.EPOLLOUT:
            self.flush()
        if not events & ~select.EPOLLOUT:
            return
        try:
            data = os.read(CHANNEL, CHUNK)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b''
        if not data:
            os._exit(0)
        self.inbox += data
        while len(self.inbox) >= HEADER.size:
            kind, number, length = HEADER.unpack_from(self.inbox)
            end = HEADER.size + length
            if len(self.inbox) < end:
                return
            payload = bytes(self.inbox[HEADER.size : end])
            del self.inbox[:end]
            self.obey(kind, number, payload)

    def obey(self, kind, number, payload):
        if kind == b'S':
            self.start(number, payload)
        elif kind == b'K' and number in self.runs and self.runs[number].ended is None:
            os.kill(self.runs[number].pid, signal.SIGKILL)

    def send(self, kind, number, payload):
        self.out += HEADER.pack(kind, number, len(payload))
        self.out += payload
        self.flush()

    def flush(self):
        try:
            while self.out:
                del self.out[: os.write(CHANNEL, self.out)]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            os._exit(0)  # the executor is gone, and with it the container

    # -- output --------------------------------------------------------------------------------------------------------

    def relay(self, pipe):
        run = self.by_pipe.get(pipe)
        if run is None:
            return
        kind = run.pipes[pipe]
        data = os.read(pipe, CHUNK)
        if not data:
            self.outputs.unregister(pipe)
            os.close(pipe)
            del self.by_pipe[pipe], run.pipes[pipe]
        elif kind == b'V':
            run.result += data[: MAX_RESULT - len(run.result)]
        else:
            self.send(kind, run.number, data)

    def feed(self, fd):
        """Writes the rest of a request to a process that waits for it, unless it has died."""
        rest = self.requests[fd]
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            pass
        except OSError:
            rest = b''
        self.requests[fd] = rest
        if not rest:
            self.poll.unregister(fd)
            os.close(fd)
            del self.requests[fd]

    # -- starting ------------------------------------------------------------------------------------------------------

    def start(self, number, payload):
        try:
            request = json.loads(payload)
            for language in [other for other in self.spares if other != request['language']]:
                self.discard(language)
            run = self.start_shell(number, request) if request['language'] == 'shell' else self.hand_over(number, request, payload)
        except NotStarted as error:
            self.refuse(number, error.reason, str(error))
        except OSError as error:
            self.refuse(number, 'CannotStart', f'no process could be started: {error.strerror}')
        else:
            self.runs[number] = run
            for pipe in run.pipes:
                self.by_pipe[pipe] = run
                self.outputs.register(pipe, select.EPOLLIN)

    def refuse(self, number, reason, message):
        self.send(b'F', number, json.dumps({'reason': reason, 'message': message}).encode())
        for language in SPARE_DELAY:
            self.spare_due.setdefault(language, time.monotonic() + OTHER_SPARE_DELAY)

    def start_shell(self, number, request):
        if self.shell is None:
            raise NotStarted('LanguageNotAvailable', 'this image has neither bash nor sh')
        # As an argument the code could have no more than 128 KiB, and would be seen in every list of processes.
        script = os.memfd_create('execution', 0)
        try:
            os.pwrite(script, request['code'].encode('utf-8', 'replace'), 0)
            argv = [self.shell, '/proc/self/fd/3']
            return Run(number, self.fork({1: b'O', 2: b'E'}, lambda: replace(argv, request['env']), {3: script}))
        finally:
            os.close(script)

    def hand_over(self, number, request, payload):
        self.reap()  # the spare may just have been killed
        language = request['language']
        started = self.spares.pop(language, None) or self.boot(language)
        os.kill(started.pid, signal.SIGCONT)  # or stopped
        self.requests[started.request] = payload
        self.poll.register(started.request, select.EPOLLOUT)
        cpu_before = process_cpu_seconds(started.pid)
        self.feed(started.request)
        return Run(number, started, cpu_before, language)

    def boot(self, language):
        """A process that has its interpreter up and waits for what to run at descriptor 3; its result leaves on 4."""
        node = [self.config['node'], *self.config['nodeArguments']]
        become = {'python': python_runner.wait_and_run, 'javascript': lambda: replace(node, self.config['env'])}[language]
        theirs, ours = os.pipe()
        try:
            started = self.fork({1: b'O', 2: b'E', 4: b'V'}, become, {3: theirs})
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        started.request = ours
        return started

    def fork(self, outputs, become, inputs=None):
        """Forks a child that has a pipe to us at each descriptor of `outputs`, ours at each of `inputs`, and no other but stdin."""
        ends = []
        try:
            for _ in outputs:
                ends.append(os.pipe())
            pid = os.fork()
        except OSError:
            for end in ends:
                os.close(end[0])
                os.close(end[1])
            raise
        if pid == 0:
            theirs = {place: end[1] for place, end in zip(outputs, ends)}
            self.become_child({**theirs, **(inputs or {})}, become)
        for end in ends:
            os.close(end[1])
        return Started(pid, {end[0]: kind for kind, end in zip(outputs.values(), ends)})

    def become_child(self, places, become):
        try:
            enter_run(places, self.config['workspace'])
            become()
        except BaseException as error:  # noqa: B902 - a child must never go on as a second launcher
            os.write(2, f'the run could not be started: {error}\n'.encode())
        os._exit(127)

    # -- ending --------------------------------------------------------------------------------------------------------

    def reap(self):
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.note_end(pid, status, usage)

    def note_end(self, pid, status, usage):
        self.discarded.discard(pid)
        for language, spare in list(self.spares.items()):
            if spare.pid == pid:
                self.release(language)
        for run in self.runs.values():
            if run.pid == pid and run.ended is None:
                run.ended = {
                    'code': os.waitstatus_to_exitcode(status),
                    'cpuMs': max(0.0, usage.ru_utime + usage.ru_stime - run.cpu_before) * 1000,
                    'maxRssBytes': usage.ru_maxrss * 1024,
                }

    def clear_away(self):
        """Kills what ended runs left behind; reports a run as ended once nothing is left and its output is read to the end."""
        ended = [run for run in self.runs.values() if run.ended]
        if not ended or not self.no_strays():
            return
        for run in ended:
            if run.pipes:
                continue
            del self.runs[run.number]
            if run.result:
                self.send(b'V', run.number, run.result)
            self.send(b'X', run.number, json.dumps(run.ended).encode())
            now = time.monotonic()
            self.spare_due = {
                language: now + (delay if language == run.language else OTHER_SPARE_DELAY) for language, delay in SPARE_DELAY.items()
            }

    def no_strays(self):
        ours = {run.pid for run in self.runs.values() if not run.ended}
        ours.update(spare.pid for spare in self.spares.values())
        ours.update(self.discarded)
        strays = [pid for pid in children() if pid not in ours]
        if not strays:
            self.thaw()
            return True
        self.passes += 1
        if self.passes > PASSES_BEFORE_FREEZE and self.alone and not self.frozen:
            # Processes that fork faster than they are killed: stop all there are in one step, which no fork can slip through.
            self.frozen = True
            signal_all(signal.SIGSTOP)
            strays = [pid for pid in children() if pid not in ours]
        for pid in strays:
            os.kill(pid, signal.SIGKILL)
        return False

    def thaw(self):
        self.passes = 0
        if self.frozen:
            self.frozen = False
            signal_all(signal.SIGCONT)

    # -- between runs --------------------------------------------------------------------------------------------------

    def prepare_ahead(self):
        """Never beside a run: its code could reach into the spare, and so into the run that comes next."""
        if self.runs:
            return
        now = time.monotonic()
        if self.warm_up_due is not None and now >= self.warm_up_due:
            self.warm_up()
        for language, due in list(self.spare_due.items()):
            if now < due:
                continue
            del self.spare_due[language]
            try:
                if language not in self.spares:
                    self.spares[language] = self.boot(language)
            except OSError:
                pass  # out of processes or memory: the next run in that language tries again and tells

    def warm_up(self):
        """Loads what many runs need, and would take long to load in each."""
        import asyncio  # noqa: F401

        self.warm_up_due = None
        gc.collect()
        gc.freeze()
        self.discard('python')
        self.spare_due['python'] = time.monotonic()

    def discard(self, language):
        """Ends a spare, while no code of a user's runs that could get hold of it. Node.js takes ten milliseconds to be gone, which no run's end has to wait for."""
        if language in self.spares:
            os.kill(self.spares[language].pid, signal.SIGKILL)
            self.discarded.add(self.spares[language].pid)
            self.release(language)

    def release(self, language):
        spare = self.spares.pop(language)
        for fd in (spare.request, *spare.pipes):
            os.close(fd)


def enter_run(places, workspace):
    """Turns the forked child into a process of the user's: own session, readable by itself again, first to be killed when memory runs out, last to get the CPU."""
    os.setsid()
    # Within the sandbox's own share: hundreds of busy processes must not keep daemon and launcher from ending them.
    os.nice(10)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.set_wakeup_fd(-1)
    for number in (*DEAF_TO, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open('/proc/self/oom_score_adj', 'w') as file:
        file.write('1000')
    # Moved out of the way first: a source may have a number that another one is to get.
    moved = {place: fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for place, fd in places.items()}
    for place, fd in moved.items():
        os.dup2(fd, place)
    for name in os.listdir('/proc/self/fd'):
        fd = int(name)
        if fd > 2 and fd not in places:
            close_quietly(fd)
    enter(workspace)


def enter(workspace):
    try:
        os.chdir(workspace)
    except PermissionError:  # an earlier run closed it, and no later one could open it again
        os.chmod(workspace, 0o755)
        os.chdir(workspace)


def replace(argv, env):
    # Python ignores these two, and what is ignored stays so in the program that takes over.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execve(argv[0], argv, env)


def close_quietly(fd):
    try:
        os.close(fd)
    except OSError:
        pass  # the one that listed the folder


def wake_pipe():
    """A descriptor that becomes readable when a child ends."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return read


def signal_all(number):
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        pass  # there is none but this one and PID 1


def children():
    """Direct children, dead ones that are not yet reaped included."""
    me = os.getpid()
    try:
        with open(f'/proc/self/task/{me}/children') as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return [pid for pid in map(int, filter(str.isdigit, os.listdir('/proc'))) if parent_of(pid) == me]


def parent_of(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return int(file.read().rpartition(')')[2].split()[1])
    except OSError:
        return None


def process_cpu_seconds(pid):
    """CPU time that a process has used so far: a spare's boot is no cost of the run that it is given to."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED), as clock_getcpuclockid(3) has it
    except OSError:
        return 0.0


def find(program, path):
    for folder in path.split(':'):
        candidate = os.path.join(folder, program)
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    return None


def main():
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(signal.SIGRTMIN, signal.SIGRTMAX + 1):
        signal.signal(number, signal.SIG_DFL)  # the executor ignores them, and Node.js resets only the others for its children
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    gc.disable()
    Launcher(json.loads(sys.argv[1])).serve()


if __name__ == '__main__':
    main()
