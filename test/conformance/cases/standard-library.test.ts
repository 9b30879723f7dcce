import { endSessions, run, runningSession, shared, tidyUp } from '../fixtures.ts';

afterEach(endSessions);
afterAll(tidyUp);

const session = shared(() => runningSession());

const CASES: readonly (readonly [string, string, object])[] = [
  [
    '99. json, csv, xml, pickle, base64',
    `import json, csv, io, pickle, base64, xml.etree.ElementTree as ET
def handler(event):
    first = next(csv.DictReader(io.StringIO("name,age\\nAlice,30\\n")))
    return {
        "parsed_name": json.loads('{"name": "Test"}')["name"],
        "dict_first_name": first["name"],
        "text": ET.fromstring("<a><b>Text content</b></a>").find("b").text,
        "equal": pickle.loads(pickle.dumps({"a": [1]})) == {"a": [1]},
        "base64": base64.b64decode(base64.b64encode(b"Hello, Base64!")).decode(),
    }`,
    {
      parsed_name: 'Test',
      dict_first_name: 'Alice',
      text: 'Text content',
      equal: true,
      base64: 'Hello, Base64!',
    },
  ],
  [
    '100. datetime, time, calendar',
    `import calendar, datetime, time
def handler(event):
    later = datetime.datetime(2024, 2, 28) + datetime.timedelta(days=1)
    return {"day": later.day, "time": time.time() > 0, "2024_is_leap": calendar.isleap(2024)}`,
    { day: 29, time: true, '2024_is_leap': true },
  ],
  [
    '101. math, random, statistics, decimal',
    `import decimal, math, random, statistics
def handler(event):
    random.seed(1)
    return {
        "factorial": math.factorial(5),
        "random": 0 <= random.random() < 1,
        "mean": statistics.mean(range(1, 11)),
        "decimal": str(decimal.Decimal("0.1") + decimal.Decimal("0.2")),
    }`,
    { factorial: 120, random: true, mean: 5.5, decimal: '0.3' },
  ],
  [
    '102. re and string',
    `import re, string
def handler(event):
    return {
        "email": re.search(r"[\\w.]+@[\\w.]+\\w", "write to test@example.com.").group(),
        "template": string.Template("Hello, $name!").substitute(name="World"),
    }`,
    { email: 'test@example.com', template: 'Hello, World!' },
  ],
  [
    '103. collections, itertools, functools',
    `import collections, functools, itertools
def handler(event):
    return {
        "counted": collections.Counter("aab")["a"],
        "chained": list(itertools.chain([1], [2, 3])),
        "reduced": functools.reduce(lambda a, b: a * b, [1, 2, 3, 4]),
    }`,
    { counted: 2, chained: [1, 2, 3], reduced: 24 },
  ],
  [
    '104. zlib, gzip, zipfile',
    `import gzip, io, zipfile, zlib
def handler(event):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in "abc":
            archive.writestr(name, name)
    return {
        "zlib": zlib.decompress(zlib.compress(b"x" * 100)) == b"x" * 100,
        "gzip": gzip.decompress(gzip.compress(b"y")).decode(),
        "file_count": len(zipfile.ZipFile(packed).namelist()),
    }`,
    { zlib: true, gzip: 'y', file_count: 3 },
  ],
  [
    '105. hashlib, hmac, secrets',
    `import hashlib, hmac, secrets
def handler(event):
    return {
        "md5_length": len(hashlib.md5(b"x").hexdigest()),
        "hmac": hmac.compare_digest(hmac.new(b"k", b"m", "sha256").digest(), hmac.new(b"k", b"m", "sha256").digest()),
        "secret": len(secrets.token_hex(16)),
    }`,
    { md5_length: 32, hmac: true, secret: 32 },
  ],
  [
    '106. sys, subprocess, logging',
    `import logging, subprocess, sys
def handler(event):
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    logging.info("logged")
    child = subprocess.run([sys.executable, "-c", "print('child')"], capture_output=True, text=True)
    return {"major": sys.version_info.major, "child": child.stdout.strip()}`,
    { major: 3, child: 'child' },
  ],
];

test.each(CASES)('%s', async (_title, code, expected) => {
  const { body } = await run(await session(), { code });
  expect(body).toMatchObject({ status: 'completed', return_value: expected });
});
