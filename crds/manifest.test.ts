import { KINDS } from './definitions.ts';
import { driftedFiles, manifestFiles } from './generate.ts';
import { crdManifest } from './manifest.ts';

const manifests = KINDS.map(crdManifest);
const byKind = Object.fromEntries(
  manifests.map((manifest) => [manifest.spec.names.kind, manifest]),
);

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every schema below one, with the path to it. */
function* schemas(schema: Json, path = ''): Generator<[string, Json]> {
  yield [path, schema];
  const { properties, items, additionalProperties } = schema;
  for (const [name, child] of Object.entries(isObject(properties) ? properties : {})) {
    if (isObject(child)) yield* schemas(child, `${path}.${name}`);
  }
  for (const child of [items, additionalProperties]) {
    if (isObject(child)) yield* schemas(child, `${path}[]`);
  }
}

const everySchema = manifests.flatMap((manifest) =>
  manifest.spec.versions.flatMap((version) => [
    ...schemas(version.schema.openAPIV3Schema, manifest.spec.names.kind),
  ]),
);

describe('the committed manifests', () => {
  it('are what the schemas say', async () => {
    expect(await driftedFiles(new URL('manifests/', import.meta.url))).toEqual([]);
  });

  it('are missed when they are not there', async () => {
    const missing = await driftedFiles(new URL('no-such-folder/', import.meta.url));
    expect(missing).toEqual([...manifestFiles().keys()]);
  });
});

describe('every schema', () => {
  test('has a type, unless it takes any JSON', () => {
    const untyped = everySchema.filter(
      ([, schema]) =>
        schema['type'] === undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true,
    );
    expect(untyped.map(([path]) => path)).toEqual([]);
  });

  test('holds no keyword that a structural schema may not hold', () => {
    const allowed = new Set(
      [
        'type format description default nullable enum properties required items additionalProperties',
        'minimum maximum minLength maxLength pattern maxItems',
        'x-kubernetes-validations x-kubernetes-preserve-unknown-fields',
        'x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type',
      ].flatMap((words) => words.split(' ')),
    );
    const others = everySchema.flatMap(([path, schema]) =>
      Object.keys(schema)
        .filter((key) => !allowed.has(key))
        .map((key) => `${path}: ${key}`),
    );
    expect(others).toEqual([]);
  });

  test('of what a person writes is described', () => {
    const silent = everySchema.filter(
      ([path, schema]) => /^\w+\.spec\.\w+$/.test(path) && schema['description'] === undefined,
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

describe('every field of an execution', () => {
  const spec = everySchema.find(([path]) => path === 'Execution.spec')?.[1] ?? {};
  const rules = JSON.stringify(spec['x-kubernetes-validations']);

  test.each(Object.entries(isObject(spec['properties']) ? spec['properties'] : {}))(
    '%s has a rule for changes',
    (name, schema) => {
      const own = isObject(schema) && 'x-kubernetes-validations' in schema;
      expect(own || rules.includes(`self.${name} == oldSelf.${name}`)).toBe(true);
    },
  );
});

describe('the columns of kubectl get', () => {
  test.each([
    ['SandboxTemplate', 'Runtime Image* Ready Warm Sandboxes Age'],
    ['Sandbox', 'Phase Template Reason Idle Expires Node* Age'],
    ['Execution', 'Phase Sandbox Exit Reason Duration(ms) Language* Age'],
  ])('of a %s are %s', (kind, columns) => {
    const shown = byKind[kind]?.spec.versions[0]?.additionalPrinterColumns ?? [];
    expect(shown.map(({ name, priority }) => `${name}${priority === 1 ? '*' : ''}`).join(' ')).toBe(
      columns,
    );
  });

  test.each(manifests.map((manifest) => [manifest.spec.names.kind, manifest] as const))(
    'of a %s point at fields that exist',
    (kind, manifest) => {
      const known = new Set(everySchema.map(([path]) => path));
      const paths = (manifest.spec.versions[0]?.additionalPrinterColumns ?? [])
        .map(({ jsonPath }) => `${kind}${jsonPath.replace(/\[\?.*?\]/, '[]')}`)
        .filter((path) => !path.endsWith('.metadata.creationTimestamp'));
      expect(paths.filter((path) => !known.has(path))).toEqual([]);
    },
  );
});
