"""What happens inside the forked child that is one Python execution: compile, run, call the handler, hand back its value.

It is forked ahead of its request, which it waits for on descriptor 3. The value leaves on descriptor 4 as one letter and a text: V and JSON, E and why it is not JSON, L and how many bytes it would have.
"""
import atexit
import gc
import inspect
import io
import json
import linecache
import math
import os
import sys
import threading
import time
import traceback
import types

FILENAME = '<execution>'
REQUEST_FD = 3
RESULT_FD = 4
MAX_RESULT_BYTES = 262_144


class Context:
    """The handler's second argument, as AWS Lambda names its parts."""

    def __init__(self, execution_id, deadline_ms):
        self.execution_id = execution_id
        self.aws_request_id = execution_id
        self.function_name = 'handler'
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1000))


class Unbuffered(io.BufferedWriter):
    """Writes through at once, so that a killed run loses nothing it printed, yet completes short writes as a raw file would not."""

    def write(self, data):
        written = super().write(data)
        self.flush()
        return written


class Undeliverable(Exception):
    pass


def wait_and_run():
    """Waits for a request, runs it and ends the process; never returns."""
    sys.stdout = sys.__stdout__ = stream(1)
    sys.stderr = sys.__stderr__ = stream(2)
    sys.argv = [FILENAME]
    sys.excepthook = lambda kind, error, tb: traceback.print_exception(kind, error, tb)
    os.environ.clear()
    gc.enable()
    rehearse()
    with open(REQUEST_FD, 'rb') as file:
        data = file.read()
    if data:
        run(json.loads(data))
    os._exit(0)


def rehearse():
    """Goes through a run without effect: what pages that writes to are copied from the launcher now, not while someone waits."""
    request = json.loads('{"code": "def handler(event): return event", "event": {}, "executionId": "", "deadlineMs": 0}')
    os.environ.update(REHEARSAL='1')
    del os.environ['REHEARSAL']
    user_site('/')
    scope = {}
    exec(compile(request['code'], FILENAME, 'exec', dont_inherit=True), scope)
    to_json(call(scope['handler'], request))
    gc.collect()


def run(request):
    code = 1
    try:
        prepare(request)
        code = execute(request)
    except SystemExit as error:
        code = exit_code(error)
    except BaseException as error:  # noqa: B902 - whatever user code raises ends the run
        report(error)
    code = settle(code)
    os._exit(code & 0xFF)


def prepare(request):
    os.environ.update(request['env'])
    if 'TZ' in os.environ:
        time.tzset()
    packages = request.get('packages')
    # In PYTHONPATH for further interpreters; this one looks there last, as for every site folder, so that none of them stands in for the standard library.
    sys.path[0:0] = [os.getcwd(), *(path for path in os.environ.get('PYTHONPATH', '').split(':') if path and path != packages)]
    user_site(request['env'].get('HOME'))
    if packages:
        add_site(packages)


def stream(fd):
    raw = io.FileIO(fd, 'w', closefd=False)
    return io.TextIOWrapper(Unbuffered(raw), encoding='utf-8', errors='backslashreplace', write_through=True)


def user_site(home):
    # The launcher boots isolated from its environment, so what `pip install --user` put into the workspace is added by hand.
    version = f'python{sys.version_info.major}.{sys.version_info.minor}'
    folder = os.path.join(home or '/', '.local', 'lib', version, 'site-packages')
    if os.path.isdir(folder):
        add_site(folder)


def add_site(folder):
    import site

    site.addsitedir(folder)


def execute(request):
    source = request['code']
    channel = os.fstat(RESULT_FD).st_ino
    # A finder of source lines for tracebacks; None as the time keeps linecache.checkcache from dropping it.
    linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
    program = compile(source, FILENAME, 'exec', dont_inherit=True)
    module = types.ModuleType('__main__')
    sys.modules['__main__'] = module
    exec(program, module.__dict__)
    handler = module.__dict__.get('handler')
    if not callable(handler):
        return 0
    value = call(handler, request)
    return deliver(value, channel)


def call(handler, request):
    event = request['event']
    arguments = [event, Context(request['executionId'], request['deadlineMs'])]
    value = handler(*arguments[: accepted(handler)])
    if inspect.isawaitable(value):
        import asyncio

        async def wait():
            return await value

        return asyncio.run(wait())
    return value


def accepted(handler):
    """How many of (event, context) the handler takes: the second only if it must have one, or calls it a context."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return 1
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 2
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2:
        return len(positional)
    second = positional[1]
    return 2 if second.default is second.empty or second.name in ('context', 'ctx') else 1


def deliver(value, channel):
    try:
        text = to_json(value)
    except Exception as error:
        why = f'{type(error).__name__}: {error}'
        print(f'The return value of handler cannot be written as JSON: {why}', file=sys.stderr)
        send(b'E' + why.encode('utf-8', 'replace')[:1024], channel)
        return 1
    data = text.encode('utf-8', 'replace')
    if len(data) > MAX_RESULT_BYTES:
        print(f'The return value of handler is {len(data)} bytes of JSON; at most {MAX_RESULT_BYTES} are kept', file=sys.stderr)
        send(b'L%d' % len(data), channel)
        return 1
    send(b'V' + data, channel)
    return 0


def to_json(value):
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':'))
    except ValueError:
        return json.dumps(finite(value), ensure_ascii=False, allow_nan=False, separators=(',', ':'))


def finite(value):
    """The same value with null for NaN and the infinities, as JSON.stringify has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def send(data, channel):
    try:
        intact = os.fstat(RESULT_FD).st_ino == channel
    except OSError:
        intact = False
    if not intact:
        raise Undeliverable('the code closed the descriptor that return values leave on')
    while data:
        data = data[os.write(RESULT_FD, data) :]


def exit_code(error):
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    try:
        print(error.code, file=sys.stderr)
    except (OSError, ValueError):
        pass
    return 1


def report(error):
    try:
        tb = error.__traceback__
        while tb is not None and tb.tb_frame.f_code.co_filename == __file__:
            tb = tb.tb_next
        error.__traceback__ = tb
        sys.excepthook(type(error), error, tb)
    except BaseException:  # noqa: B902 - stderr may be closed, or memory used up: the exit code still tells
        pass


def settle(code):
    """What the interpreter's own end would do, without tearing it down: that would cost more than a whole short run."""
    for step in (threading._shutdown, atexit._run_exitfuncs, forget_main, flush):
        try:
            step()
        except BaseException as error:  # noqa: B902
            report(error)
    return code


def forget_main():
    # Files that only a global held are closed, and so written, here.
    sys.modules['__main__'].__dict__.clear()
    gc.collect()


def flush():
    for file in (sys.stdout, sys.stderr):
        try:
            file.flush()
        except (OSError, ValueError, AttributeError):
            pass
