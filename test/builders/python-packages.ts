import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';

/** A distribution file of a Python package, as an index serves it. */
export interface Distribution {
  readonly project: string;
  readonly filename: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

const MAKE_WHEEL = `
import base64, io, json, sys, zipfile
order = json.load(sys.stdin)
out = io.BytesIO()
with zipfile.ZipFile(out, 'w') as wheel:
    for name, text in order['files'].items():
        wheel.writestr(name, text)
sys.stdout.write(base64.b64encode(out.getvalue()).decode())
`;
const MAKE_SDIST = `
import base64, io, json, sys, tarfile
order = json.load(sys.stdin)
out = io.BytesIO()
with tarfile.open(fileobj=out, mode='w:gz') as sdist:
    for name, text in order['files'].items():
        entry = tarfile.TarInfo(name)
        entry.size = len(text.encode())
        sdist.addfile(entry, io.BytesIO(text.encode()))
sys.stdout.write(base64.b64encode(out.getvalue()).decode())
`;

/** A pure Python wheel with these modules, by file name. */
export async function aWheel(
  project: string,
  version: string,
  modules: Readonly<Record<string, string>> = { [`${project}.py`]: `__version__ = '${version}'\n` },
): Promise<Distribution> {
  const info = `${project}-${version}.dist-info`;
  const metadata = `Metadata-Version: 2.1\nName: ${project}\nVersion: ${version}\n`;
  const names = [...Object.keys(modules), `${info}/METADATA`, `${info}/WHEEL`, `${info}/RECORD`];
  const files = {
    ...modules,
    [`${info}/METADATA`]: metadata,
    [`${info}/WHEEL`]:
      'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: names.map((name) => `${name},,\n`).join(''),
  };
  return make(MAKE_WHEEL, { project, filename: `${project}-${version}-py3-none-any.whl`, files });
}

/** A source distribution whose build runs `code`, in a build backend of its own, and then yields an empty wheel. */
export async function anSdist(
  project: string,
  version: string,
  code: string,
): Promise<Distribution> {
  const folder = `${project}-${version}`;
  const backend = `
import os, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    exec(compile(open(os.path.join(os.path.dirname(__file__), 'payload.py')).read(), 'payload', 'exec'), {})
    name = '${project}-${version}-py3-none-any.whl'
    info = '${project}-${version}.dist-info'
    with zipfile.ZipFile(os.path.join(directory, name), 'w') as wheel:
        wheel.writestr(info + '/METADATA', 'Metadata-Version: 2.1\\nName: ${project}\\nVersion: ${version}\\n')
        wheel.writestr(info + '/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(info + '/RECORD', '')
        wheel.writestr('${project}.py', '')
    return name
`;
  const pyproject = `[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "${project}"\nversion = "${version}"\n`;
  const files = {
    [`${folder}/PKG-INFO`]: `Metadata-Version: 2.1\nName: ${project}\nVersion: ${version}\n`,
    [`${folder}/pyproject.toml`]: pyproject,
    [`${folder}/backend.py`]: backend,
    [`${folder}/payload.py`]: code,
  };
  return make(MAKE_SDIST, { project, filename: `${folder}.tar.gz`, files });
}

async function make(
  script: string,
  order: {
    readonly project: string;
    readonly filename: string;
    readonly files: Readonly<Record<string, string>>;
  },
): Promise<Distribution> {
  const child = promisify(execFile)('python3', ['-c', script], { maxBuffer: 2 ** 26 });
  child.child.stdin?.end(JSON.stringify(order));
  const bytes = Buffer.from((await child).stdout, 'base64');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { project: order.project, filename: order.filename, bytes, sha256 };
}

/** The page of a project as PEP 691 has it, with links to `files`. */
export function simplePage(
  project: string,
  distributions: readonly Distribution[],
  files: string,
): string {
  return JSON.stringify({
    meta: { 'api-version': '1.0' },
    name: project,
    files: distributions
      .filter((distribution) => distribution.project === project)
      .map(({ filename, sha256 }) => ({
        filename,
        url: `${files}${filename}`,
        hashes: { sha256 },
      })),
  });
}
